"""`portal try --auth oauth2`: each refusal at the stage where it is, by its cause."""

from __future__ import annotations

import json

import pytest

from tests.cli.oauth_words import (
    BY_JWT,
    BY_REFRESH,
    BY_SECRET,
    FIXED,
    READY,
    STARTTLS,
    asking,
    client,
    step,
)
from tests.relays import jwt
from tests.relays.tokens import (
    BROKEN,
    EXPIRED_SECRET,
    HTML,
    HUGE,
    INVALID_GRANT,
    NO_CONSENT,
    NO_TOKEN,
    NOT_FOUND,
    REDIRECT,
    SLOW,
    THROTTLED,
    WRONG_SECRET,
)


def test_an_expired_token_without_more_ends_at_auth(told, relay, server):
    server.revoke()

    status, found = told(relay.port, *FIXED, *READY, **STARTTLS)

    assert (status, found["outcome"], found["stage"]) == (1, "failed", "auth")
    assert step(found, "auth")["reply"]["code"] == 535
    assert found["diagnosis"]["cause"] == "oauth_token_expired"
    assert len(relay.log_ons) == 1


@pytest.mark.parametrize(
    ("answer", "cause", "says"),
    [
        (WRONG_SECRET, "oauth_client_misconfigured", "AADSTS7000215"),
        (EXPIRED_SECRET, "oauth_client_misconfigured", "AADSTS7000222"),
        (NO_CONSENT, "oauth_consent_or_scope_missing", "AADSTS65001"),
        (INVALID_GRANT, "oauth_token_expired", "expired or revoked"),
        (THROTTLED, "oauth_endpoint_unreachable", "429"),
        (BROKEN, "oauth_endpoint_unreachable", "500"),
        (HTML, "oauth_endpoint_unreachable", "no JSON"),
        (NOT_FOUND, "oauth_endpoint_unreachable", "404"),
        (HUGE, "oauth_endpoint_unreachable", ""),
        (REDIRECT, "oauth_endpoint_unreachable", "redirect"),
        (NO_TOKEN, "oauth_endpoint_unreachable", "no access token"),
    ],
)
def test_a_refusal_of_the_token_server_ends_at_its_stage(
    told, relay, server, answer, cause, says
):
    """What it answered is told; AUTH is not begun."""
    server.always_says = answer
    words = asking(server, *client(server), *BY_SECRET)

    status, found = told(relay.port, *words, **STARTTLS)

    assert (status, found["outcome"], found["stage"]) == (1, "failed", "oauth_token")
    assert found["diagnosis"]["cause"] == cause
    assert says in step(found, "oauth_token")["said"]
    assert step(found, "auth")["status"] == "skipped"
    assert relay.log_ons == []


def test_a_token_server_that_is_silent_is_waited_for_as_long_as_asked(
    told, relay, server
):
    server.always_says = SLOW
    words = asking(server, *client(server), *BY_SECRET, "--stage-timeout", "1")

    status, found = told(relay.port, *words, **STARTTLS)

    assert (status, found["stage"]) == (1, "oauth_token")
    assert found["diagnosis"]["cause"] == "oauth_endpoint_unreachable"


def test_a_token_server_that_is_not_there(told, relay, server):
    words = asking(server, *client(server), *BY_SECRET)
    words = tuple(
        w.replace(server.token_url, "http://127.0.0.1:1/token") for w in words
    )

    status, found = told(relay.port, *words, **STARTTLS)

    assert (status, found["stage"]) == (1, "oauth_token")
    assert found["diagnosis"]["cause"] == "oauth_endpoint_unreachable"


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"client_id": "another"}, "oauth_client_misconfigured"),
        ({"client_secret": "another"}, "oauth_client_misconfigured"),
        ({"scopes": frozenset({"mail.read"})}, "oauth_consent_or_scope_missing"),
        ({"refresh_tokens": {}}, "oauth_token_expired"),
    ],
)
def test_what_the_token_server_does_not_know_is_named(
    told, relay, server, changed, cause
):
    """Judged by the server itself: client, secret, scope, refresh token."""
    words = asking(server, *client(server), *BY_REFRESH)
    for name, value in changed.items():
        setattr(server, name, value)

    status, found = told(relay.port, *words, **STARTTLS)

    assert (status, found["stage"]) == (1, "oauth_token")
    assert found["diagnosis"]["cause"] == cause


def test_a_token_for_another_scope_is_told_by_the_relay(told, relay, server):
    """334 carries the reason as JSON: it is decoded, and 535 follows."""
    words = asking(server, *client(server), *BY_SECRET)
    words = tuple(word.replace("smtp.send", "mail.read") for word in words)

    status, found = told(relay.port, *words, **STARTTLS)

    assert (status, found["stage"]) == (1, "auth")
    assert relay.reasons[0]["status"] == "insufficient_scope"
    assert found["diagnosis"]["cause"] == "oauth_consent_or_scope_missing"


def test_a_relay_without_oauth_is_told_before_a_token_is_asked_for(
    told, sink, server, authority
):
    relay = sink(users={"kim": "x"}, starttls=authority.contexts["good"])
    words = asking(server, *client(server), *BY_SECRET)

    status, found = told(relay.port, *words, **STARTTLS)

    assert (status, found["stage"]) == (1, "auth")
    assert found["diagnosis"]["cause"] == "auth_mechanism_unsupported"
    assert server.asked == []


def test_a_token_does_not_go_in_clear_unless_allowed(told, server, oauth_sink):
    relay = oauth_sink(tokens=server, clear_auth=True)

    status, found = told(relay.port, *FIXED, *READY)
    assert (status, found["stage"], relay.log_ons) == (1, "auth", [])

    status, found = told(relay.port, *FIXED, *READY, "--allow-cleartext-auth")
    assert (status, found["outcome"]) == (0, "sent")


def test_a_key_file_of_somebody_else_is_refused_by_the_server(
    told, relay, server, token_server, write
):
    """Google’s words: the signature is not this account’s."""
    other = json.loads(server.key_file()) | {"private_key": jwt.pem_of(jwt.new_key())}
    write(account=json.dumps(other))

    status, found = told(relay.port, *asking(server, *BY_JWT), **STARTTLS)

    assert (status, found["stage"]) == (1, "oauth_token")
    assert "Invalid JWT Signature" in step(found, "oauth_token")["said"]

"""Signing in with an access token: each grant, each mechanism, never in clear."""

from __future__ import annotations

import logging

import pytest

from portal.delivery.types import Auth, FailureKind, Stage, StepStatus
from portal.secret import Secret
from tests.delivery.asking import reached, relay_at, text_of
from tests.delivery.granting import (
    oauth_of,
    secrets_of,
    signing_in,
    step,
    submit,
    tokens_of,
)

SUPPORT = "https://outlook.office365.com"


@pytest.mark.parametrize("grant", ["client_credentials", "refresh_token", "jwt_bearer"])
def test_each_grant_sends(office, authority, grant):
    server, relay = office()
    oauth = oauth_of(server, grant)

    outcome = submit(signing_in(relay, authority, oauth), tokens_of(server))

    assert outcome.status == "sent"
    assert relay.log_ons == [("kim@peer.example", "XOAUTH2")]
    assert "oauth_token" in reached(outcome)
    shown = text_of(outcome)
    assert not [each for each in secrets_of(oauth) if each in shown]
    assert not [token for token in server.issued if token in shown]
    assert "C: AUTH XOAUTH2 ***" in shown


def test_token_step_tells_what_was_granted(office, authority):
    server, relay = office()

    outcome = submit(
        signing_in(relay, authority, oauth_of(server, "client_credentials")),
        tokens_of(server),
    )

    token = step(outcome, Stage.OAUTH_TOKEN)
    assert token.said.startswith(
        "HTTP 200: a token for https://outlook.office365.com, scope smtp.send, until "
    )
    assert token.said.endswith(" UTC")
    assert "tenant tenant" in token.detail
    assert token.reply is None
    stages = [each.stage.value for each in outcome.steps]
    assert stages[4:8] == ["starttls", "oauth_token", "auth", "mail_from"]


def test_oauthbearer_where_it_stands_alone(office, authority):
    """RFC 7628 §3.1: host and port, the user in the GS2 header, escaped."""
    server, relay = office(mechanisms=("OAUTHBEARER",))
    server.user = "kim,=@peer.example"

    outcome = submit(
        signing_in(
            relay,
            authority,
            oauth_of(server, "client_credentials"),
            username="kim,=@peer.example",
        ),
        tokens_of(server),
    )

    assert outcome.status == "sent"
    assert relay.log_ons == [("kim,=@peer.example", "OAUTHBEARER")]


def test_forced_mechanism_is_used(office, authority):
    server, relay = office()

    outcome = submit(
        signing_in(
            relay,
            authority,
            oauth_of(server, "client_credentials"),
            mechanism="oauthbearer",
        ),
        tokens_of(server),
    )

    assert outcome.status == "sent"
    assert relay.log_ons == [("kim@peer.example", "OAUTHBEARER")]


@pytest.mark.parametrize("mechanism", [None, "PLAIN"])
def test_relay_that_takes_no_tokens_gets_none_asked_for(office, authority, mechanism):
    """A token goes by no mechanism for passwords, and the end point is not bothered."""
    server, relay = office(mechanisms=("PLAIN", "LOGIN"))

    outcome = submit(
        signing_in(
            relay,
            authority,
            oauth_of(server, "client_credentials"),
            mechanism=mechanism,
        ),
        tokens_of(server),
    )

    assert outcome.failure.stage is Stage.AUTH
    assert outcome.failure.kind is FailureKind.REFUSED_BY_US
    assert step(outcome, Stage.OAUTH_TOKEN).status is StepStatus.SKIPPED
    assert server.seen == []
    assert relay.log_ons == []


IN_CLEAR = "S: 220 relay.test\nC: EHLO *\nS: 250-relay.test\nS: 250 AUTH XOAUTH2\n"


def test_token_never_goes_in_clear(token_server, play):
    """Nor is one asked for that would have to, unless the operator says so."""
    server = token_server()
    values = {"username": server.user, "auth": Auth.OAUTH2, "password": None}
    oauth = oauth_of(server, "client_credentials")
    shut, open_ = play(IN_CLEAR), play(f"{IN_CLEAR}C: AUTH XOAUTH2 *\nS: 235 Yes\n")

    kept = submit(relay_at(shut, oauth=oauth, **values), tokens_of(server))

    assert kept.failure.stage is Stage.AUTH
    assert "access token was not sent" in kept.failure.words
    assert server.seen == []

    allowed = relay_at(open_, oauth=oauth, allow_cleartext_auth=True, **values)
    let_in = submit(allowed, tokens_of(server), stop_after=Stage.AUTH)

    assert let_in.status == "stopped"


def test_service_account_signs_in_as_its_subject(office, authority):
    server, relay = office()

    outcome = submit(
        signing_in(relay, authority, oauth_of(server, "jwt_bearer"), username=None),
        tokens_of(server),
    )

    assert outcome.status == "sent"
    assert relay.log_ons == [("kim@peer.example", "XOAUTH2")]


def test_given_token_is_used_and_read_locally(office, authority):
    server, relay = office()
    token = server.access_token()

    outcome = submit(
        signing_in(relay, authority, None, access_token=Secret(token)), None
    )

    assert outcome.status == "sent"
    assert server.seen == []
    said = step(outcome, Stage.OAUTH_TOKEN).said
    assert said.startswith(f"The given token is used for {SUPPORT}, scope smtp.send,")
    assert token not in text_of(outcome)


def test_given_token_that_is_refused_is_refreshed_where_that_is_possible(
    office, authority
):
    server, relay = office()
    token = Secret(server.access_token())
    server.revoke()
    oauth = oauth_of(server, "refresh_token")

    alone = submit(signing_in(relay, authority, None, access_token=token), None)
    behind = submit(
        signing_in(relay, authority, oauth, access_token=token), tokens_of(server)
    )

    assert alone.failure.reply.code == 535
    assert behind.status == "sent"
    assert len(relay.log_ons) == 3
    assert len(server.asked) == 1


def test_conversation_may_stop_after_the_token(office, authority):
    server, relay = office()

    outcome = submit(
        signing_in(relay, authority, oauth_of(server, "client_credentials")),
        tokens_of(server),
        stop_after=Stage.OAUTH_TOKEN,
    )

    assert outcome.status == "stopped"
    assert len(server.asked) == 1
    assert relay.log_ons == []


def test_long_token_waits_for_the_relay(token_server, oauth_sink, authority, caplog):
    """Postfix reads 2,048 octets of the line of AUTH: more goes after its 334."""
    server = token_server(audience="x" * 3_000)
    relay = oauth_sink(tokens=server, starttls=authority.contexts["good"])
    caplog.set_level(logging.DEBUG)

    outcome = submit(
        signing_in(relay, authority, oauth_of(server, "client_credentials")),
        tokens_of(server),
    )

    assert outcome.status == "sent"
    lines = [line.text for line in outcome.transcript if line.who == "C"]
    assert lines[3:5] == ["AUTH XOAUTH2", "***"]
    assert not [token for token in server.issued if token in caplog.text]

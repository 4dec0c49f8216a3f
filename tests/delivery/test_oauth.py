"""Asking for access tokens: three grants, and every way in which there is none."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from portal.delivery.oauth import FreshTokens
from portal.delivery.tokens import Token, TokenRefusal
from portal.delivery.types import FailureKind
from portal.net.guard import GuardedNet, Policy
from portal.net.open import OpenNet
from portal.secret import Secret
from tests.delivery.granting import ask, oauth_of, secrets_of
from tests.relays import tokens as says

GRANTS = ("client_credentials", "refresh_token", "jwt_bearer")


@pytest.mark.parametrize("grant", GRANTS)
def test_token_is_granted(token_server, grant):
    server = token_server()
    oauth = oauth_of(server, grant)

    token = ask(oauth)

    assert isinstance(token, Token)
    assert server.user_of(token.access.reveal()) == server.user
    left = token.expires_at - datetime.now(UTC)
    assert timedelta(minutes=59) < left <= timedelta(minutes=60)
    assert token.scope == "smtp.send"
    assert dict(token.claims)["audience"] == server.audience
    assert dict(token.claims)["user"] == server.user
    assert len(server.asked) == 1
    assert token.access.reveal() not in repr(token)


def test_token_is_granted_over_https(token_server, authority):
    server = token_server(tls=authority.contexts["good"])

    token = ask(
        oauth_of(server, "client_credentials"), ca_pem=authority.pem, allow_http=False
    )

    assert isinstance(token, Token)


def test_opaque_token_tells_nothing(token_server):
    server = token_server(opaque=True)

    token = ask(oauth_of(server, "client_credentials"))

    assert token.claims == ()
    assert token.expires_at is not None


def test_client_secret_goes_in_the_form(token_server):
    server = token_server()

    ask(oauth_of(server, "client_credentials"))

    assert server.asked[0]["client_secret"] == server.client_secret
    assert "Authorization" not in server.seen[0].headers


def test_secret_goes_as_basic_where_the_end_point_asks_for_that(token_server):
    """Once, and then no longer in the form too (RFC 6749 §2.3)."""
    server = token_server(client_secret="hush: é+ %")
    challenge = says.error(
        "invalid_client", "Use Basic.", 401, WWW_Authenticate='Basic realm="t"'
    )
    server.will_say(challenge)

    token = ask(oauth_of(server, "client_credentials"))

    assert isinstance(token, Token)
    assert len(server.asked) == 2
    assert "client_secret" not in server.asked[1]
    assert server.seen[1].headers["Authorization"].startswith("Basic ")


def test_wrong_secret_as_basic_is_asked_twice_and_no_more(token_server):
    challenge = says.error(
        "invalid_client", "Wrong.", 401, WWW_Authenticate='Basic realm="t"'
    )
    server = token_server(always_says=challenge)

    refusal = ask(oauth_of(server, "client_credentials"))

    assert refusal.words == "invalid_client: Wrong. (HTTP 401)"
    assert len(server.asked) == 2


def test_rotated_refresh_token_is_used_for_the_second_question(token_server):
    server = token_server(rotates=True)
    oauth = oauth_of(server, "refresh_token")
    tokens = FreshTokens(net=OpenNet(), allow_http=True)

    async def twice():
        return [await tokens.token(oauth, timeout_s=10) for _ in range(2)]

    first, second = asyncio.run(twice())

    assert first.refresh_token and second.refresh_token
    assert server.asked[0]["refresh_token"] == oauth.refresh_token.reveal()
    assert server.asked[1]["refresh_token"] == first.refresh_token.reveal()
    assert tokens.rotated == second.refresh_token
    assert tokens.rotated.reveal() not in repr(tokens)


def test_public_client_refreshes_without_a_secret(token_server):
    server = token_server(client_secret=None)

    assert isinstance(ask(oauth_of(server, "refresh_token")), Token)


def test_service_account_asks_where_its_file_says(token_server):
    """Without a token URL of its own."""
    server = token_server()

    token = ask(oauth_of(server, "jwt_bearer", token_url=""))

    assert isinstance(token, Token)
    assert "client_secret" not in server.asked[0]


def test_service_account_acts_for_nobody_else(token_server):
    server = token_server()

    refusal = ask(oauth_of(server, "jwt_bearer", subject="lee@peer.example"))

    assert refusal.words.startswith("unauthorized_client: Client is unauthorized")
    assert refusal.status == 401


REFUSALS = {
    "WRONG_SECRET": "invalid_client: AADSTS7000215: Invalid client secret provided.",
    "NO_CONSENT": "invalid_grant: AADSTS65001: The user or administrator has not",
    "INVALID_GRANT": "invalid_grant: Token has been expired or revoked.",
    "THROTTLED": "temporarily_unavailable: Slow down.",
    "BROKEN": "The token end point answered HTTP 500 and something that is no JSON",
    "HTML": "answered HTTP 200 and something that is no JSON (text/html)",
    "NOT_FOUND": "answered HTTP 404 and something that is no JSON (text/html)",
    "REDIRECT": "HTTP 302 and a redirect to http://127.0.0.1:1/token, which is not",
    "NO_TOKEN": "The token end point answered HTTP 200 and no access token.",
    "HUGE": "the answer is longer than 64 KB",
}


@pytest.mark.parametrize("answer", REFUSALS)
def test_refusal_is_told_in_words(token_server, answer):
    server = token_server(always_says=getattr(says, answer))
    oauth = oauth_of(server, "refresh_token")

    refusal = ask(oauth)

    assert isinstance(refusal, TokenRefusal)
    assert REFUSALS[answer] in refusal.words
    assert len(server.seen) == 1
    assert not [each for each in secrets_of(oauth) if each in repr(refusal)]


@pytest.mark.parametrize(
    ("answer", "temporary"),
    [
        ("THROTTLED", True),
        ("BROKEN", True),
        ("INVALID_GRANT", False),
        ("WRONG_SECRET", False),
        ("NOT_FOUND", False),
        ("HTML", False),
    ],
)
def test_some_refusals_pass(token_server, answer, temporary):
    server = token_server(always_says=getattr(says, answer))

    assert ask(oauth_of(server, "client_credentials")).temporary is temporary


def test_refusal_that_quotes_our_secrets_is_masked(token_server):
    server = token_server()
    oauth = oauth_of(server, "refresh_token", client_secret=Secret("s3cret +/=x"))
    quoted = (
        f"You said {oauth.refresh_token.reveal()} and s3cret +/=x or s3cret+%2B%2F%3Dx"
    )
    server.always_says = says.error("invalid_client", quoted)

    refusal = ask(oauth)

    assert refusal.words == "invalid_client: You said *** and *** or *** (HTTP 400)"


UNFIT = {
    "no secret": ("client_credentials", {"client_secret": None}, "client secret"),
    "no id": ("client_credentials", {"client_id": ""}, "client id"),
    "no refresh token": ("refresh_token", {"refresh_token": None}, "no refresh token"),
    "no scope": ("jwt_bearer", {"scope": ""}, "scope"),
    "no file": ("jwt_bearer", {"service_account": None}, "not JSON"),
    "no URL": ("client_credentials", {"token_url": ""}, "token URL cannot be used"),
}


@pytest.mark.parametrize("case", UNFIT)
def test_unfit_settings_ask_nobody(token_server, case):
    server = token_server()
    grant, values, words = UNFIT[case]

    refusal = ask(replace(oauth_of(server, grant), **values))

    assert refusal.kind is FailureKind.REFUSED_BY_US
    assert words in refusal.words
    assert not refusal.temporary
    assert server.seen == []


def test_http_is_for_the_shell_alone(token_server):
    server = token_server()

    refusal = ask(oauth_of(server, "client_credentials"), allow_http=False)

    assert refusal.kind is FailureKind.REFUSED_BY_US
    assert "https://" in refusal.words
    assert server.seen == []


def test_guard_judges_the_token_url(token_server):
    server = token_server()

    refusal = ask(
        oauth_of(server, "client_credentials"), GuardedNet(Policy(forbidden_s=0))
    )

    assert refusal.kind is FailureKind.FORBIDDEN
    assert refusal.remedy == f"PORTAL_RELAY_ALLOW=127.0.0.1:{server.port}"
    assert server.seen == []


def test_silence_is_left_in_time(token_server):
    server = token_server(always_says=says.SLOW)

    refusal = ask(oauth_of(server, "client_credentials"), timeout_s=0.3)

    assert refusal.kind is FailureKind.TIMEOUT
    assert refusal.temporary
    assert refusal.exception == "TimeoutError"

"""The answer of a token end point is read without trusting it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from portal.delivery.tokens import Token
from portal.delivery.types import FailureKind
from tests.delivery.granting import ask, oauth_of
from tests.relays import tokens as says
from tests.relays.tokens import Says


def answering(token_server, **row):
    """A server that answers 200 with this JSON."""
    return token_server(always_says=Says(body=json.dumps(row).encode()))


def test_hostile_description_is_made_harmless(token_server):
    text = "line\r\nBcc: x\x1b[31m\u202eevil " + "y" * 5_000
    server = token_server(always_says=says.error("invalid_grant", text))

    words = ask(oauth_of(server, "client_credentials")).words

    assert words.startswith("invalid_grant: line Bcc: x")
    assert words.isprintable()
    assert len(words) < 1_000


@pytest.mark.parametrize(
    ("expires_in", "seconds"),
    [(60, 60), ("3599", 3599), (3599.0, 3599), (31_000_000, 31_000_000)],
)
def test_life_of_a_token_is_read(token_server, expires_in, seconds):
    server = answering(token_server, access_token="opaque", expires_in=expires_in)

    token = ask(oauth_of(server, "client_credentials"))

    left = (token.expires_at - datetime.now(UTC)).total_seconds()
    assert seconds - 30 < left <= seconds


@pytest.mark.parametrize(
    "expires_in", [None, 0, -1, True, "soon", 1e300, 10**12, "9" * 5_000, [], {}]
)
def test_absurd_life_is_no_life(token_server, expires_in):
    """The token is taken, and nobody keeps it by such a number."""
    server = answering(token_server, access_token="opaque", expires_in=expires_in)

    token = ask(oauth_of(server, "client_credentials"))

    assert isinstance(token, Token)
    assert token.expires_at is None


@pytest.mark.parametrize("kind", ["Bearer", "bearer", "BEARER"])
def test_bearer_tokens_are_taken(token_server, kind):
    server = answering(token_server, access_token="t", token_type=kind)

    assert isinstance(ask(oauth_of(server, "client_credentials")), Token)


@pytest.mark.parametrize("kind", ["mac", "DPoP", "", None, 7])
def test_other_kinds_of_tokens_are_not(token_server, kind):
    server = answering(token_server, access_token="t", token_type=kind)

    refusal = ask(oauth_of(server, "client_credentials"))

    assert refusal.kind is FailureKind.PROTOCOL
    assert "instead of Bearer" in refusal.words


@pytest.mark.parametrize("access", ["", None, 7, "a\r\nMAIL FROM:<x>", "a b", "é", {}])
def test_token_that_auth_cannot_carry_is_none(token_server, access):
    server = answering(token_server, access_token=access)

    refusal = ask(oauth_of(server, "client_credentials"))

    assert "no access token" in refusal.words


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"token"',
        b"[" * 60_000,
        b'{"access_token": "x"',
        b"\xff\xfe\x00",
        b"access_token=x&token_type=bearer",
    ],
)
def test_answer_that_is_no_object_is_a_refusal(token_server, body):
    server = token_server(always_says=Says(body=body))

    refusal = ask(oauth_of(server, "client_credentials"))

    assert "no JSON" in refusal.words


@pytest.mark.parametrize(
    "access",
    [
        "a.b.c",
        "a.!!!.c",
        "a..c",
        "a.W10.c",  # []
        "a.eyJleHAiOiJ4IiwiYXVkIjp7fX0.c",  # {"exp":"x","aud":{}}
        "a.eyJleHAiOjFlMzAwfQ.c",  # {"exp":1e300}
    ],
)
def test_odd_jwt_is_a_token_like_another(token_server, access):
    server = answering(token_server, access_token=access)

    token = ask(oauth_of(server, "client_credentials"))

    assert token.access.reveal() == access
    assert token.claims == ()
    assert token.expires_at is None

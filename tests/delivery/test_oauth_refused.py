"""A token that the relay refuses, or that the end point does not give."""

from __future__ import annotations

import base64
import json

import pytest

from portal.delivery.types import FailureKind, Stage, StepStatus
from portal.secret import Secret
from tests.delivery.asking import text_of
from tests.delivery.granting import (
    Keeper,
    oauth_of,
    secrets_of,
    signing_in,
    step,
    submit,
    tokens_of,
)
from tests.relays import tokens as says

SUPPORT = "https://outlook.office365.com"


@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
def test_reason_of_a_refusal_is_decoded(office, authority, mechanism):
    """334 with base64 JSON, then our dummy answer, then the code."""
    server, relay = office(mechanisms=(mechanism,), scope="mail.send")

    outcome = submit(
        signing_in(relay, authority, oauth_of(server, "client_credentials")),
        tokens_of(server),
    )

    told = "status insufficient_scope, schemes bearer, scope mail.send"
    assert outcome.failure.stage is Stage.AUTH
    assert outcome.failure.reply.code == 535
    assert f"(its reason: {told})" in outcome.failure.words
    assert f"S: ({told})" in text_of(outcome)
    assert len(relay.log_ons) == 1
    dummy = {"XOAUTH2": "C: ", "OAUTHBEARER": "C: AQ=="}[mechanism]
    assert dummy in [f"{line.who}: {line.text}" for line in outcome.transcript]


def test_fresh_token_that_is_refused_is_not_asked_for_again(office, authority):
    server, relay = office(scope="mail.send")

    submit(
        signing_in(relay, authority, oauth_of(server, "refresh_token")),
        tokens_of(server),
    )

    assert len(server.asked) == 1
    assert len(relay.log_ons) == 1


def test_kept_token_that_is_refused_is_replaced_once(office, authority):
    """One 535, one question, one more AUTH on the same connection."""
    server, relay = office()
    tokens = Keeper(tokens_of(server), Secret(server.access_token()))
    server.revoke()

    outcome = submit(
        signing_in(relay, authority, oauth_of(server, "client_credentials")), tokens
    )

    assert outcome.status == "sent"
    assert len(relay.log_ons) == 2
    assert len(server.asked) == 1
    assert len(tokens.refused) == 1
    assert step(outcome, Stage.OAUTH_TOKEN).said.startswith("HTTP 200: a token")
    assert step(outcome, Stage.AUTH).status is StepStatus.OK
    texts = [line.text for line in outcome.transcript]
    assert len([text for text in texts if text.startswith("EHLO")]) == 2


def test_second_refusal_is_the_end(office, authority):
    server, relay = office(scope="mail.send")
    tokens = Keeper(tokens_of(server), Secret(server.access_token()))

    outcome = submit(
        signing_in(relay, authority, oauth_of(server, "client_credentials")), tokens
    )

    assert outcome.failure.stage is Stage.AUTH
    assert outcome.failure.reply.code == 535
    assert len(relay.log_ons) == 2
    assert len(server.asked) == 1


def test_refused_refresh_names_the_token_stage(office, authority):
    """What the end point said is the cause; the relay's 535 stays visible beside it."""
    server, relay = office()
    tokens = Keeper(tokens_of(server), Secret(server.access_token()))
    server.revoke()
    server.always_says = says.INVALID_GRANT

    outcome = submit(
        signing_in(relay, authority, oauth_of(server, "refresh_token")), tokens
    )

    assert outcome.failure.stage is Stage.OAUTH_TOKEN
    assert outcome.failure.exception == "OAuthTokenError"
    assert outcome.failure.words.startswith("invalid_grant: Token has been expired")
    assert step(outcome, Stage.AUTH).status is StepStatus.FAILED
    assert step(outcome, Stage.AUTH).reply.code == 535
    assert len(relay.log_ons) == 1


def test_end_point_that_gives_the_refused_token_again(office, authority):
    server, relay = office(scope="mail.send")
    kept = Secret(server.access_token())
    body = json.dumps({"access_token": kept.reveal(), "token_type": "Bearer"})
    server.always_says = says.Says(body=body.encode())

    outcome = submit(
        signing_in(relay, authority, oauth_of(server, "client_credentials")),
        Keeper(tokens_of(server), kept),
    )

    assert outcome.failure.stage is Stage.AUTH
    assert outcome.failure.reply.code == 535
    assert len(relay.log_ons) == 1


def test_no_token_ends_politely(office, authority):
    """The relay is told QUIT: the trouble was another server's."""
    server, relay = office()
    server.always_says = says.WRONG_SECRET
    oauth = oauth_of(server, "client_credentials")

    outcome = submit(signing_in(relay, authority, oauth), tokens_of(server))

    assert outcome.failure.stage is Stage.OAUTH_TOKEN
    assert outcome.failure.words == (
        "invalid_client: AADSTS7000215: Invalid client secret provided. (HTTP 401)"
    )
    shown = [f"{line.who}: {line.text}" for line in outcome.transcript]
    assert f"S: ({outcome.failure.words})" in shown
    assert shown[-2:] == ["C: QUIT", "S: 221 Bye"]
    assert relay.log_ons == []
    assert not [each for each in secrets_of(oauth) if each in text_of(outcome)]


def test_nothing_to_get_a_token_with_is_said(office, authority):
    _, relay = office()

    outcome = submit(signing_in(relay, authority, None), None)

    assert outcome.failure.stage is Stage.OAUTH_TOKEN
    assert outcome.failure.kind is FailureKind.REFUSED_BY_US


ECHO = """\
S: 220 relay.test ESMTP
C: EHLO *
S: 250-relay.test
S: 250 STARTTLS
C: STARTTLS
S: 220 Go on
! tls
C: EHLO *
S: 250-relay.test
S: 250 AUTH XOAUTH2
C: AUTH XOAUTH2 *
S: {}
C: QUIT
S: 221 Bye
"""


@pytest.mark.parametrize("cut", [0, 60, 100])
def test_token_that_the_relay_echoes_is_masked(play, authority, cut):
    """Whole, or cut off where its line buffer ends."""
    token = "eyJhbGciOiJSUzI1NiJ9." + "abcdefghijklmnopqrstuvwxyz0123456789" * 4
    said = f"user=kim@peer.example\1auth=Bearer {token}\1\1"
    coded = base64.b64encode(said.encode()).decode()
    echo = f"535 5.7.8 {coded[: cut or None]} {token[: cut or None]}"
    relay = play(ECHO.format(echo))

    outcome = submit(
        signing_in(relay, authority, None, access_token=Secret(token)), None
    )

    shown = text_of(outcome)
    assert outcome.failure.reply.code == 535
    assert not [
        form[at : at + 24]
        for form in (coded, token)
        for at in range(0, len(form) - 24)
        if form[at : at + 24] in shown
    ]


def test_relay_that_hangs_up_after_its_refusal(token_server, play, authority):
    """A kept token is replaced all the same: the next attempt will have the new one."""
    server = token_server()
    dialog = ECHO.partition("S: {}")[0] + "S: 535 5.7.8 No\n! close\n"
    tokens = Keeper(tokens_of(server), Secret("kept"))

    outcome = submit(
        signing_in(play(dialog), authority, oauth_of(server, "client_credentials")),
        tokens,
    )

    assert outcome.failure.stage is Stage.AUTH
    assert outcome.failure.reply.code == 535
    assert len(server.asked) == 1
    assert tokens.kept.reveal() in server.issued

"""Dovecot asks the token server about each token that we bring (RFC 7662)."""

from __future__ import annotations

from typing import Any

import pytest

from portal.delivery.grants import Grant, OAuth
from portal.delivery.oauth import FreshTokens
from portal.delivery.types import Auth, Outcome, Relay, Stage, Status
from portal.net.open import OpenNet
from portal.secret import Secret
from tests.peers.conftest import Try
from tests.peers.postfix import Peer
from tests.peers.sending import cause, content, relay_at, submit
from tests.relays.tokens import TokenServer

pytestmark = pytest.mark.xdist_group("dovecot")
ROBOT = "robot@peer.example"  # whose tokens the server gives, and who may send as that
SCOPE = "smtp.send"


def asking(tokens: TokenServer, grant: Grant, scope: str = SCOPE) -> OAuth:
    assert tokens.client_secret
    by_refresh, by_jwt = grant is Grant.REFRESH_TOKEN, grant is Grant.JWT_BEARER
    return OAuth(
        grant=grant,
        token_url=tokens.token_url,
        client_id=tokens.client_id,
        client_secret=Secret(tokens.client_secret),
        scope=scope,
        refresh_token=Secret(tokens.refresh_token()) if by_refresh else None,
        service_account=Secret(tokens.key_file()) if by_jwt else None,
        subject=ROBOT if by_jwt else None,
    )


def relay_with(peer: Peer, **values: Any) -> Relay:
    settings = {"auth": Auth.OAUTH2, "username": ROBOT}
    return relay_at(peer, "submission", **settings | values)


def sent(relay: Relay, subject: str = "by token") -> Outcome:
    fresh = FreshTokens(net=OpenNet(), allow_http=True)
    return submit(relay, content(subject), sender=ROBOT, tokens=fresh)


@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
@pytest.mark.parametrize("grant", Grant)
def test_each_grant_signs_in_by_each_mechanism(
    peer: Peer, sink, tokens, grant, mechanism
):
    subject = f"{grant} by {mechanism}"
    relay = relay_with(peer, oauth=asking(tokens, grant), mechanism=mechanism)

    outcome = sent(relay, subject)

    assert outcome.status is Status.SENT, outcome.failure
    assert len(sink.mail(subject)) == 1
    assert peer.logged(f"sasl_method={mechanism}, sasl_username={ROBOT}")


@pytest.mark.parametrize("opaque", [False, True])
def test_tokens_of_each_form_are_taken(peer: Peer, tokens, opaque):
    """A JWT makes the line of AUTH long, an opaque one does not."""
    tokens.opaque = opaque
    try:
        outcome = sent(relay_with(peer, oauth=asking(tokens, Grant.CLIENT_CREDENTIALS)))
    finally:
        tokens.opaque = False

    assert outcome.status is Status.SENT, outcome.failure


@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
def test_a_revoked_token_ends_at_auth(peer: Peer, tokens, mechanism):
    relay = relay_with(
        peer, access_token=Secret(tokens.access_token()), mechanism=mechanism
    )
    tokens.revoke()

    outcome = sent(relay)

    assert (outcome.status, outcome.stage) == (Status.FAILED, Stage.AUTH)
    assert cause(outcome, relay) == "oauth_token_expired", outcome.failure


def test_a_revoked_token_is_refreshed_once(peer: Peer, sink, tokens):
    """After its 535 another one is asked for, and the same connection goes on."""
    relay = relay_with(
        peer,
        access_token=Secret(tokens.access_token()),
        oauth=asking(tokens, Grant.REFRESH_TOKEN),
    )
    tokens.revoke()
    before = len(tokens.asked)

    outcome = sent(relay, "refreshed once")

    assert outcome.status is Status.SENT, outcome.failure
    assert len(tokens.asked) == before + 1
    assert len(sink.mail("refreshed once")) == 1


def test_a_token_of_somebody_else_ends_at_auth(peer: Peer, tokens):
    """It is good, but not for the mailbox that signs in."""
    token = Secret(tokens.access_token(user="boss@peer.example"))
    relay = relay_with(peer, access_token=token, mechanism="XOAUTH2")

    outcome = sent(relay)

    assert (outcome.status, outcome.stage) == (Status.FAILED, Stage.AUTH)


def test_a_token_without_the_scope_ends_at_auth(peer: Peer, tokens):
    oauth = asking(tokens, Grant.CLIENT_CREDENTIALS, scope="mail.read")
    relay = relay_with(peer, oauth=oauth)

    outcome = sent(relay)

    assert (outcome.status, outcome.stage) == (Status.FAILED, Stage.AUTH)
    assert cause(outcome, relay) in (
        "oauth_consent_or_scope_missing",
        "oauth_token_expired",
    )


def test_a_wrong_client_secret_ends_before_auth(peer: Peer, tokens):
    oauth = asking(tokens, Grant.CLIENT_CREDENTIALS)
    secret, tokens.client_secret = tokens.client_secret, "another"
    try:
        relay = relay_with(peer, oauth=oauth)
        outcome = sent(relay)
    finally:
        tokens.client_secret = secret

    assert (outcome.status, outcome.stage) == (Status.FAILED, Stage.OAUTH_TOKEN)
    assert cause(outcome, relay) == "oauth_client_misconfigured"
    assert not [line for line in outcome.transcript if line.text.startswith("AUTH")]


def test_the_command_signs_in_by_token(try_peer: Try, sink, tokens, tmp_path):
    """`portal try` as a process: the token server over http, Dovecot behind it."""
    (tmp_path / "secret").write_text(f"{tokens.client_secret}\n")

    tried = try_peer(
        auth="oauth2",
        username=ROBOT,
        password_file=None,
        token_url=tokens.token_url,
        client_id=tokens.client_id,
        client_secret_file=str(tmp_path / "secret"),
        scope=SCOPE,
        subject="a token from the shell",
        **{"from": ROBOT},
    )

    assert (tried.exit, tried.said["outcome"]) == (0, "sent"), tried.said
    assert tried.step("oauth_token")["status"] == "ok"
    assert len(sink.mail("a token from the shell")) == 1

"""The engine signs in with kept tokens, and signs with keys that it opens itself."""

from __future__ import annotations

import pytest

from portal.services import senders, sending
from portal.store.models import OAuthToken, SenderSecret
from tests.engine.conftest import PATIENT
from tests.relays.tokens import INVALID_GRANT


@pytest.fixture
def server(token_server, authority):
    return token_server(tls=authority.contexts["good"], rotates=True)


@pytest.fixture
def relay(oauth_sink, server, authority):
    return oauth_sink(tokens=server, starttls=authority.contexts["good"])


@pytest.fixture
def through(owner, server, authority):
    """Let this relay carry the tenant's mail."""

    def save(relay, **changes) -> None:
        values = {
            "name": "Acme mail",
            "provider": "generic_smtp",
            "host": "localhost",
            "port": relay.port,
            "security": "starttls",
            "ca": authority.pem,
            "auth": "oauth2",
            "username": server.user,
            "from_address": "kim@example.org",
            "oauth": {
                "grant": "refresh_token",
                "token_url": server.token_url,
                "client_id": server.client_id,
                "client_secret": server.client_secret,
                "refresh_token": server.refresh_token(),
            },
            **changes,
        }
        senders.save(owner, sender_id=None, values=values, activate=True, patience_s=0)

    return save


@pytest.mark.usefixtures("both_databases")
def test_one_token_carries_many_connections(engine, post, relay, server, through):
    through(relay, pacing={"max_connections": 4})
    engine()

    messages = [post.mail() for _ in range(12)]
    for message in messages:
        post.until(message, "sent")

    assert len(relay.mails) == 12
    assert len(server.asked) == 1
    assert OAuthToken.get().generation == 1


def test_a_token_that_the_relay_no_longer_takes_is_refreshed_once(
    engine, post, relay, server, through
):
    through(relay)
    engine().stop(grace_s=0.2)
    first = engine()
    post.until(post.mail(), "sent")
    first.stop(grace_s=0.2)
    server.revoke()

    engine()
    message = post.mail()
    post.until(message, "sent")

    assert len(server.asked) == 2
    assert post.recipients(message)[0].tries <= 1


def test_mail_waits_while_no_token_is_granted_and_the_end_point_is_left_alone(
    engine, post, relay, server, through, owner
):
    server.always_says = INVALID_GRANT
    through(relay)
    engine()

    messages = [post.mail() for _ in range(5)]
    for message in messages:
        post.until(message, "deferred")

    assert len(server.asked) == 1
    assert relay.log_ons == []
    shown = sending.read(owner, messages[0].public_id)
    assert shown.diagnosis["cause"].startswith("oauth")


def test_a_signing_key_that_does_not_open_is_trouble_of_the_sender(
    engine, post, sink, owner, through, authority
):
    relay = sink(starttls=authority.contexts["good"])
    signing = {"domain": "example.org", "selector": "portal"}
    through(relay, auth="none", dkim_signing=signing)
    SenderSecret.update(sealed=b"sealed elsewhere").execute()
    engine(PATIENT)

    message = post.mail()

    post.until(message, "deferred")
    (recipient,) = post.recipients(message)
    assert (recipient.tries, recipient.internal_errors) == (0, 0)
    assert relay.mails == []


def test_mail_is_signed_with_the_key_of_the_version(
    engine, post, sink, through, authority
):
    relay = sink(starttls=authority.contexts["good"])
    signing = {"domain": "example.org", "selector": "portal", "algorithm": "ed25519"}
    through(relay, auth="none", dkim_signing=signing)
    engine()

    post.until(post.mail(), "sent")

    assert b"DKIM-Signature:" in relay.mails[0].content
    assert b"s=portal" in relay.mails[0].content

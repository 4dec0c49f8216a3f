"""Relays that know us by our address or by our certificate: nobody types a password."""

from __future__ import annotations

import pytest

from portal.delivery.types import Auth, RecipientStatus, Security, Stage, Status
from tests.peers.postfix import Peer
from tests.peers.sending import cause, content, relay_at, submit

pytestmark = pytest.mark.xdist_group("peers")


@pytest.mark.parametrize("security", [Security.NONE, Security.STARTTLS])
def test_a_network_that_it_knows_may_relay(peer: Peer, sink, security):
    """mynetworks: no AUTH is offered and none is sent; the mail arrives."""
    relay = relay_at(peer, "mynetworks", security=security)
    subject = f"known by address, {security}"

    outcome = submit(relay, content(subject))

    assert outcome.status is Status.SENT
    assert Stage.AUTH not in [step.stage for step in outcome.steps]
    assert not [line for line in outcome.transcript if line.text.startswith("AUTH")]
    assert len(sink.mail(subject)) == 1


def test_a_network_that_it_does_not_know_is_denied(peer: Peer):
    relay = relay_at(peer, "submission")

    outcome = submit(relay, content("denied"), sender="kim@elsewhere.example")

    assert outcome.failure
    assert outcome.failure.stage is Stage.RCPT_TO
    assert cause(outcome, relay) == "relay_denied_ip_not_allowed"


def test_a_password_where_no_sign_in_is_offered_is_not_sent(peer: Peer):
    relay = relay_at(peer, "mynetworks", username="app", password="hush")

    outcome = submit(relay, content("not offered"))

    assert (outcome.status, outcome.stage) == (Status.FAILED, Stage.AUTH)
    assert cause(outcome, relay) == "auth_not_offered"


@pytest.mark.parametrize("listener", ["asks", "demands", "demands_tls"])
def test_a_known_certificate_relays_without_auth(peer: Peer, sink, listener):
    """relay_clientcerts: the fingerprint lets us in, no EXTERNAL is offered."""
    by_tls = listener == "demands_tls"
    relay = relay_at(
        peer,
        listener,
        auth=Auth.CLIENT_CERT,
        pair=peer.client,
        security=Security.TLS if by_tls else Security.STARTTLS,
    )
    subject = f"known by certificate, {listener}"

    outcome = submit(relay, content(subject))

    assert outcome.status is Status.SENT, outcome.failure
    assert len(sink.mail(subject)) == 1


def test_certificate_and_password_together(peer: Peer, sink):
    relay = relay_at(
        peer,
        "demands_both",
        pair=peer.client,
        username=peer.user,
        password=peer.password,
    )

    outcome = submit(relay, content("certificate and password"))

    assert outcome.status is Status.SENT, outcome.failure
    assert len(sink.mail("certificate and password")) == 1


def test_without_the_certificate_that_it_asks_for_we_are_strangers(peer: Peer):
    """ask_ccert lets everybody in and relays for nobody."""
    relay = relay_at(peer, "asks")

    outcome = submit(relay, content("no certificate"))

    assert (outcome.status, outcome.stage) == (Status.FAILED, Stage.RCPT_TO)
    assert outcome.recipients[0].status is RecipientStatus.FAILED
    assert cause(outcome, relay) == "relay_denied_ip_not_allowed"


@pytest.mark.parametrize("listener", ["demands", "demands_tls"])
@pytest.mark.parametrize("shown", ["nothing", "a stranger’s"])
def test_a_certificate_that_it_demands(peer: Peer, listener, shown):
    """req_ccert: Postfix says in a reply what it misses, as soon as it may speak."""
    values = {}
    if shown != "nothing":
        values = {"auth": Auth.CLIENT_CERT, "pair": peer.stranger}
    by_tls = listener == "demands_tls"
    security = Security.TLS if by_tls else Security.STARTTLS
    relay = relay_at(peer, listener, security=security, **values)

    outcome = submit(relay, content("certificate demanded"))

    assert outcome.status is Status.FAILED
    assert outcome.stage is (Stage.BANNER if by_tls else Stage.STARTTLS), (
        outcome.failure
    )
    assert cause(outcome, relay) == "client_certificate_required", outcome.failure

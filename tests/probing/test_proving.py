"""Repairs are found for the settings at hand and tried before they are offered."""

from __future__ import annotations

import asyncio

import pytest

from portal.delivery.conversation import converse
from portal.delivery.types import Auth, Limits, Relay, Security
from portal.diagnosis.types import Repair
from portal.mail.types import Envelope
from portal.net.open import OpenNet
from portal.providers.catalogue import Catalogue
from portal.secret import Secret
from portal.services import knowledge
from portal.services.proving import tried
from portal.services.repairs import Case, offered
from tests.relays.sink import Sink

SECRET = "open sesame"
USERS = {"kim": SECRET}
QUICK = Limits.every(0.4, 1)
PATIENT = Limits.every(5, 10)


def relay_at(server, security: str, **values) -> Relay:
    how = {
        "host": "localhost",
        "port": server.port,
        "ehlo_name": "portal.example.org",
        "auth": Auth.PASSWORD,
        "username": "kim",
        "password": Secret(SECRET),
    }
    if values.get("auth") is Auth.NONE:
        how |= {"username": None, "password": None}
    return Relay(security=Security(security), **{**how, **values})


def repairs(
    relay: Relay, *, provider=None, limits=QUICK, names=(), net=None
) -> list[Repair]:
    """A conversation that fails, and what is offered then."""
    envelope = Envelope(reverse_path="kim@example.org", recipients=("lee@example.net",))

    async def run() -> list[Repair]:
        here = net or OpenNet()
        outcome = await converse(
            relay,
            here,
            envelope,
            b"Subject: hi\r\n\r\nhi\r\n",
            lambda step: None,
            limits=limits,
            look=True,
        )
        diagnosis = knowledge.diagnose(outcome, relay, None)
        assert diagnosis is not None
        case = Case(
            relay=relay,
            outcome=outcome,
            provider=provider,
            from_address="kim@example.org",
            envelope=envelope,
            ehlo_names=names,
        )
        found = offered(diagnosis, case)
        return list(await tried(found, case, here, limits=limits))

    return asyncio.run(run())


def test_tls_from_the_start_is_tried_where_starttls_meets_silence(sink, authority):
    server = sink(users=USERS, tls=authority.contexts["good"])

    first, *_ = repairs(relay_at(server, "starttls", ca_pem=authority.pem))

    assert first.set == {"security": "tls"}
    assert first.tested
    assert first.said == (
        f"{server.port} with TLS from the start answers here and offers LOGIN, PLAIN."
    )
    assert server.log_ons == []


def test_starttls_is_tried_where_tls_meets_a_greeting(sink, authority):
    server = sink(users=USERS, starttls=authority.contexts["good"])

    first, *_ = repairs(relay_at(server, "tls", ca_pem=authority.pem))

    assert (first.set, first.tested) == ({"security": "starttls"}, True)


@pytest.mark.parametrize(
    ("shows", "tested", "said"),
    [("good", True, "and offers LOGIN, PLAIN."), ("private", False, "nobody vouches")],
)
def test_another_port_is_tried(sink, authority, place, zones, shows, tested, said):
    """It may be there with a certificate that is trusted in a next step."""
    context = authority.contexts[shows]
    server = sink(users=USERS, starttls=context, host=place, port=2525)
    net = OpenNet(zones({"relay.test": f"@ A {place}"}).address)
    wrong = relay_at(
        server, "starttls", ca_pem=authority.pem, host="relay.test", port=2524
    )

    [repair] = repairs(wrong, net=net, limits=Limits.every(1, 3))

    assert repair.set == {"port": 2525, "security": "starttls"}
    assert repair.tested is tested
    assert repair.said.startswith("2525 with STARTTLS answers here")
    assert said in repair.said
    assert server.log_ons == []


def test_tls_that_no_relay_is_behind_is_no_repair(play):
    """A proxy that answers every port with a certificate of its own."""
    proxy = play("! tls private\n! silence\n")

    assert repairs(relay_at(proxy, "starttls"), limits=Limits.every(0.5, 2)) == []
    assert proxy.connections >= 3


def test_a_door_without_sign_in_is_no_repair_for_who_signs_in(play, authority):
    dialog = """\
! tls good
S: 220 relay.test ESMTP
C: EHLO *
S: 250 relay.test
C: QUIT
S: 221 Bye
"""
    relay = relay_at(play(dialog), "starttls", ca_pem=authority.pem)

    assert repairs(relay, limits=Limits.every(1, 2)) == []


def test_what_a_probe_refutes_is_not_offered(play):
    assert repairs(relay_at(play("says_nothing.txt"), "starttls")) == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_the_authority_that_was_shown_is_tried(sink, authority, security):
    server = sink(users=USERS, **{security: authority.contexts["private"]})

    first, *_ = repairs(relay_at(server, security), limits=PATIENT)

    assert first.tested
    assert first.set["ca"].startswith("-----BEGIN CERTIFICATE-----")
    assert "SHA-256" in first.label
    assert first.said == "With it, the relay’s certificate is valid."


def test_an_authority_is_tried_before_it_is_offered(sink, authority, zones):
    """The certificate is for another name, too: trust would not help."""
    server = sink(users=USERS, starttls=authority.contexts["private"])
    net = OpenNet(zones({"other.example": "@ A 127.0.0.1"}).address)
    elsewhere = relay_at(server, "starttls", host="other.example")

    assert repairs(elsewhere, limits=PATIENT, net=net) == []


def test_a_certificate_for_another_name_is_not_mended_by_trust(sink, authority):
    server = sink(users=USERS, starttls=authority.contexts["wrong-name"])

    assert not any(each.tested for each in repairs(relay_at(server, "starttls")))


def test_a_known_provider_is_never_trusted_by_hand(sink, authority):
    """Its certificate is from a public authority: another is somebody in between."""
    server = sink(users=USERS, starttls=authority.contexts["private"])
    gmail = Catalogue.load().get("gmail")

    assert repairs(relay_at(server, "starttls"), provider=gmail, limits=PATIENT) == []


def test_a_known_provider_keeps_to_its_own_doors():
    """Microsoft 365 has no 465: nobody is sent there, whatever the table says."""
    provider = Catalogue.load().get("microsoft365")

    class Nobody:
        port = 1

    found = repairs(relay_at(Nobody, "starttls"), provider=provider)

    assert all(each.set.get("port") != 465 for each in found)


def test_the_sandbox_has_nothing_to_repair(play):
    sandbox = Catalogue.load().get("sandbox")
    relay = relay_at(play("greets_with_554.txt"), "starttls")

    assert repairs(relay, provider=sandbox) == []


@pytest.mark.parametrize(
    ("provider", "username", "better"),
    [
        ("sendgrid", "kim", "apikey"),
        ("gmail", "kim", "kim@example.org"),
        ("generic_smtp", "kim", "kim@example.org"),
        ("generic_smtp", "kim@example.org", "kim"),
    ],
)
def test_a_user_name_in_another_form_is_offered_untried(
    sink, authority, provider, username, better
):
    """Only credentials could tell, and these are not sent by us alone."""
    server = sink(users={"other": SECRET}, starttls=authority.contexts["good"])
    relay = relay_at(server, "starttls", ca_pem=authority.pem, username=username)

    found = repairs(relay, provider=Catalogue.load().get(provider), limits=PATIENT)

    assert [(each.set, each.tested) for each in found] == [
        ({"username": better}, False)
    ]
    assert len(server.log_ons) == 1


def test_another_name_of_ours_is_tried_where_ehlo_is_refused(play):
    dialog = """\
S: 220 relay.test ESMTP
C: EHLO *
S: 550 5.7.1 Helo command rejected: Host not found
C: QUIT
S: 221 Bye
"""
    relay = play(dialog)
    where = relay_at(relay, "none", auth=Auth.NONE)

    found = repairs(where, names=("mail.example.org",), limits=PATIENT)

    assert found == []  # this relay refuses that one, too
    assert relay.commands.count("EHLO mail.example.org") == 1


class Picky(Sink):
    """Takes mail of one name only, and says so where it is asked to."""

    def __init__(self, *, at_ehlo: bool, **more) -> None:
        super().__init__(**more)
        self.at_ehlo = at_ehlo

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        if self.at_ehlo and hostname != "mail.example.org":
            return ["550 5.7.1 Helo command rejected: Host not found"]
        return responses

    async def handle_MAIL(self, server, session, envelope, address, options) -> str:
        if session.host_name != "mail.example.org":
            return "504 5.5.2 Helo command rejected: need fully-qualified hostname"
        return await super().handle_MAIL(server, session, envelope, address, options)


@pytest.mark.parametrize("at_ehlo", [True, False])
def test_another_name_that_the_relay_takes_is_offered(at_ehlo):
    """Where MAIL was refused, MAIL is asked once more, and taken back."""
    with Picky(at_ehlo=at_ehlo) as server:
        where = relay_at(server, "none", auth=Auth.NONE)
        names = ("portal.example.org", "mail.example.org")

        [repair] = repairs(where, names=names, limits=PATIENT)

    assert repair.set == {"ehlo_name": "mail.example.org"}
    assert (repair.tested, repair.said) == (
        True,
        "The relay takes the name mail.example.org.",
    )
    assert server.mails == []


def test_the_sender_becomes_the_mailbox_that_signs_in(play):
    dialog = """\
S: 220 relay.test ESMTP
C: EHLO *
S: 250-relay.test
S: 250 AUTH PLAIN
C: AUTH PLAIN *
S: 235 2.7.0 Accepted
C: MAIL FROM:<kim@example.org>*
S: 553 5.7.1 Sender address rejected: not owned by user lee@example.org
C: RSET
S: 250 2.0.0 OK
C: QUIT
S: 221 Bye
"""
    relay = relay_at(
        play(dialog), "none", username="lee@example.org", allow_cleartext_auth=True
    )

    found = repairs(relay, limits=PATIENT)

    assert [each.set for each in found] == [{"from_address": "lee@example.org"}]

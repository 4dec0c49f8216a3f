"""`portal try` with a client certificate: alone, with EXTERNAL, with a password."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509 import load_pem_x509_certificates

FIXED = ("--from", "kim@example.org", "--to", "ada@example.org", "--ca-file", "ca.pem")
SHOWN = ("--client-cert", "client.pem", "--client-key", "client.key")
STARTTLS = {"security": "starttls"}
DEMANDS = "! tls demands\nS: 220 relay.example ESMTP\n"
BEHIND_STARTTLS = """\
S: 220 relay.example ESMTP
C: EHLO *
S: 250-relay.example
S: 250 STARTTLS
C: STARTTLS
S: 220 Go ahead
"""


@pytest.fixture
def certified(write, files, authority):
    """Files of a certificate: `certified()`, `certified("stranger")`."""

    def put(which: str = "good") -> None:
        found = authority.clients[which]
        (files / "client.pem").write_text(found.certificate)
        (files / "client.key").write_text(found.key)
        (files / "both.pem").write_text(found.key + found.certificate)
        leaf, *chain = load_pem_x509_certificates(found.certificate.encode())
        (files / "client.p12").write_bytes(
            pkcs12.serialize_key_and_certificates(
                b"client",
                load_pem_private_key(found.key.encode(), None),
                leaf,
                chain,
                BestAvailableEncryption(b"open the bag"),
            )
        )
        write(passphrase="open the bag")

    put()
    return put


@pytest.fixture
def external(oauth_sink, authority):
    """A relay that knows the certificate by its name."""

    def begin(context: str = "demands", **values):
        settings = {
            "mechanisms": ("EXTERNAL",),
            "certificates": {"app.peer.example": "app"},
            "starttls": authority.contexts[context],
        }
        return oauth_sink(**settings | values)

    return begin


@pytest.mark.parametrize(
    "shown",
    [
        SHOWN,
        ("--client-cert", "both.pem"),
        ("--client-cert", "client.p12", "--client-passphrase-file", "passphrase"),
    ],
)
@pytest.mark.parametrize("auth", [(), ("--auth", "client_cert")])
def test_a_certificate_signs_in_by_external(told, external, certified, shown, auth):
    """From two PEM files, from one, from PKCS#12; --auth may be left out."""
    relay = external()

    status, found = told(relay.port, *FIXED, *shown, *auth, **STARTTLS)

    assert (status, found["outcome"]) == (0, "sent"), found
    assert relay.log_ons == [("app", "EXTERNAL")]
    step = next(each for each in found["steps"] if each["stage"] == "auth")
    assert step["detail"] == "EXTERNAL"


def test_over_implicit_tls_too(told, external, certified, authority):
    relay = external(starttls=None, tls=authority.contexts["demands"])

    status, found = told(relay.port, *FIXED, *SHOWN, security="tls")

    assert (status, found["outcome"]) == (0, "sent"), found


def test_username_is_the_authorization_identity(told, external, certified):
    """RFC 4422 appendix A: the relay decides whether it may be claimed."""
    relay = external()

    good, _ = told(relay.port, *FIXED, *SHOWN, "--username", "app", **STARTTLS)
    bad, found = told(relay.port, *FIXED, *SHOWN, "--username", "boss", **STARTTLS)

    assert [name for name, _ in relay.log_ons] == ["app", "boss"]
    assert (good, bad, found["stage"]) == (0, 1, "auth")


def test_a_relay_with_a_map_of_its_own_asks_for_no_auth(
    told, sink, authority, certified
):
    """No EXTERNAL is offered: the certificate was shown, and that is all."""
    relay = sink(starttls=authority.contexts["demands"])

    status, found = told(relay.port, *FIXED, *SHOWN, **STARTTLS)

    assert (status, found["outcome"]) == (0, "sent"), found
    assert len(relay.mails) == 1


@pytest.mark.parametrize(
    "auth", [(), ("--auth", "password"), ("--auth", "client_cert")]
)
def test_certificate_and_password_together(told, sink, authority, certified, auth):
    """The one in TLS, the other in AUTH."""
    relay = sink(users={"kim": "open sesame"}, starttls=authority.contexts["demands"])
    both = (*SHOWN, "--username", "kim", "--password-file", "password")

    status, found = told(relay.port, *FIXED, *both, *auth, **STARTTLS)

    assert (status, found["outcome"]) == (0, "sent"), found
    assert relay.mails[0].user == "kim"


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize("shows", ["nothing", "a stranger’s"])
def test_a_relay_that_demands_a_certificate_it_trusts(
    told, play, certified, security, shows
):
    """With TLS 1.3 the refusal comes late: it is told of the handshake all the same."""
    relay = play(DEMANDS if security == "tls" else BEHIND_STARTTLS + DEMANDS)
    certified("stranger")
    words = SHOWN if shows != "nothing" else ()

    status, found = told(relay.port, *FIXED, *words, security=security)

    assert (status, found["stage"]) == (1, security)
    assert found["diagnosis"]["cause"] == "client_certificate_required"


def test_an_unknown_authority_is_shown_with_its_chain(
    told, portal_try, sink, authority
):
    """What to compare before it is trusted: JSON has the PEM, people the fingerprint."""
    relay = sink(starttls=authority.contexts["untrusted"])

    status, found = told(relay.port, *FIXED, **STARTTLS)
    done = portal_try(relay.port, *FIXED, **STARTTLS)

    assert (status, found["diagnosis"]["cause"]) == (1, "certificate_untrusted")
    leaf = found["presented"][0]
    assert leaf["pem"].startswith("-----BEGIN CERTIFICATE-----")
    assert set(leaf) == {
        "subject",
        "issuer",
        "not_before",
        "not_after",
        "fingerprint",
        "is_ca",
        "pem",
    }
    assert leaf["fingerprint"] in done.stdout
    assert "nobody vouched for" in done.stdout


def test_a_trusted_chain_is_not_shown(told, sink, authority):
    _, found = told(sink(starttls=authority.contexts["good"]).port, *FIXED, **STARTTLS)

    assert "presented" not in found


@pytest.mark.parametrize("which", ["expired", "early"])
def test_a_certificate_out_of_date_is_not_shown_to_anyone(portal_try, certified, which):
    certified(which)

    done = portal_try(1, *FIXED, *SHOWN, **STARTTLS)

    assert done.exit_code == 2
    assert "--client-cert: The certificate" in done.stderr


def test_the_key_shows_in_no_output(portal_try, external, certified, authority):
    done = portal_try(external().port, *FIXED, *SHOWN, "--json", **STARTTLS)

    middle = authority.clients["good"].key.splitlines()[1]
    assert done.exit_code == 0
    assert middle not in done.output

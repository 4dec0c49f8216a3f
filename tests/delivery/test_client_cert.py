"""Client certificates: shown in the handshake, named by EXTERNAL, refused honestly."""

from __future__ import annotations

import ssl

import pytest

from portal.delivery import tls
from portal.delivery.trouble import Trouble
from portal.delivery.types import Auth, FailureKind, Stage, StepStatus
from portal.diagnosis.explain import explain
from portal.diagnosis.types import Evidence
from portal.secret import Secret
from tests.delivery.asking import PASSWORD, reached, relay_at, submit, text_of

NAME = "app.peer.example"


@pytest.fixture
def mutual(oauth_sink, authority):
    """`mutual(starttls="demands")`: a relay that knows `NAME` as kim."""

    def open_(**values):
        for way in ("starttls", "tls"):
            if way in values:
                values[way] = authority.contexts[values[way]]
        values.setdefault("mechanisms", ("EXTERNAL", "PLAIN"))
        return oauth_sink(certificates={NAME: "kim"}, **values)

    return open_


def showing(relay, authority, security, client="good", **values):
    values.setdefault("auth", Auth.CLIENT_CERT)
    shown = authority.clients[client]
    return relay_at(
        relay,
        security,
        client_cert=shown.certificate,
        client_key=Secret(shown.key),
        ca_pem=authority.pem,
        **values,
    )


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_external_lets_the_certificate_speak(mutual, authority, security):
    """RFC 4422 appendix A: an empty response, `=` on the wire (RFC 4954 §4)."""
    relay = mutual(**{security: "demands"})

    outcome = submit(showing(relay, authority, security))

    assert outcome.status == "sent"
    assert relay.log_ons == [("kim", "EXTERNAL")]
    assert relay.mails[0].user == "kim"
    key = authority.clients["good"].key
    assert key.splitlines()[1] not in text_of(outcome)


def test_external_may_name_the_user(mutual, authority):
    relay = mutual(starttls="demands")

    good = submit(showing(relay, authority, "starttls", username="kim"))
    bad = submit(showing(relay, authority, "starttls", username="lee"))

    assert good.status == "sent"
    assert bad.failure.stage is Stage.AUTH
    assert bad.failure.reply.code == 535
    assert relay.log_ons == [("kim", "EXTERNAL"), ("lee", "EXTERNAL")]


def test_relay_with_a_map_of_its_own_is_told_nothing(sink, authority):
    """It offers no AUTH: the certificate is all, and nothing more is sent."""
    relay = sink(starttls=authority.contexts["demands"])

    outcome = submit(showing(relay, authority, "starttls"))

    assert outcome.status == "sent"
    assert "auth" in reached(outcome)
    assert not [line for line in outcome.transcript if line.text.startswith("AUTH")]


def test_other_mechanisms_are_no_way_for_a_certificate(mutual, authority):
    """A relay that offers PLAIN alone may know us by its map: it gets to say so."""
    relay = mutual(starttls="demands", mechanisms=("PLAIN",))

    outcome = submit(showing(relay, authority, "starttls"))

    assert outcome.failure.stage is Stage.MAIL_FROM
    assert outcome.failure.reply.code == 530
    assert relay.log_ons == []


def test_certificate_and_password_go_together(mutual, authority):
    relay = mutual(starttls="demands", users={"kim": PASSWORD})

    outcome = submit(
        showing(relay, authority, "starttls", auth=Auth.PASSWORD, username="kim")
    )

    assert outcome.status == "sent"
    assert relay.log_ons == [("kim", "PLAIN")]


@pytest.mark.parametrize("client", ["stranger", "expired"])
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_refused_certificate_is_trouble_of_tls(mutual, authority, security, client):
    """In TLS 1.3 the refusal comes after our handshake, at the first read; this
    relay hangs up without a word."""
    relay = mutual(**{security: "demands"})

    outcome = submit(showing(relay, authority, security, client))

    assert outcome.failure.stage is Stage(security)
    assert outcome.failure.kind in (FailureKind.TLS, FailureKind.CLOSED)
    assert "certificate" in outcome.failure.words
    assert cause_of(outcome, security) == "client_certificate_required"
    assert relay.mails == []


STARTTLS = """\
S: 220 relay.test ESMTP
C: EHLO *
S: 250-relay.test
S: 250 STARTTLS
C: STARTTLS
S: 220 2.0.0 Ready to start TLS
! tls demands
C: EHLO *
S: 250 AUTH PLAIN
! silence
"""
IMPLICIT = "! tls demands\nS: 220 relay.test\nC: EHLO *\nS: 250 AUTH PLAIN\n! silence\n"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_missing_certificate_is_named_by_the_alert(
    play, authority, monkeypatch, security, version
):
    """A relay that says why: certificate_required, in TLS 1.2 handshake_failure."""
    monkeypatch.setattr(authority.contexts["demands"], "maximum_version", version)
    relay = play(STARTTLS if security == "starttls" else IMPLICIT)

    outcome = submit(
        relay_at(relay, security, username="kim", ca_pem=authority.pem), steps=[]
    )

    failure = outcome.failure
    assert failure.stage is Stage(security)
    if security == "starttls" and version is ssl.TLSVersion.TLSv1_3:
        # Our EHLO may cross its alert, and what comes back is a reset.
        assert failure.kind in (FailureKind.TLS, FailureKind.CLOSED)
    else:
        assert (failure.kind, failure.exception) == (FailureKind.TLS, "ssl.SSLError")
    if version is ssl.TLSVersion.TLSv1_3:
        assert cause_of(outcome, security) == "client_certificate_required"
    assert b"AUTH" not in relay.received
    if security == "tls":
        banner = outcome.steps[3]
        assert (banner.stage, banner.status) == (Stage.BANNER, StepStatus.SKIPPED)


def test_allowed_ip_shows_nothing(oauth_sink, authority):
    """Without signing in no certificate is shown, though one is set."""
    relay = oauth_sink(
        certificates={NAME: "kim"},
        starttls=authority.contexts["demands"],
        mechanisms=("EXTERNAL",),
    )

    outcome = submit(showing(relay, authority, "starttls", auth=Auth.NONE))

    assert outcome.failure.stage is Stage.STARTTLS
    assert relay.log_ons == []


def test_certificate_needs_tls(play, authority):
    relay = play("offers_auth_in_clear.txt")

    outcome = submit(
        showing(relay, authority, "none", allow_cleartext_auth=True, username="kim")
    )

    assert outcome.failure.stage is Stage.AUTH
    assert outcome.failure.kind is FailureKind.REFUSED_BY_US
    assert "certificate was not sent" in outcome.failure.words
    assert b"AUTH" not in relay.received


@pytest.mark.parametrize("mechanism", ["EXTERNAL", "PLAIN"])
def test_forced_mechanism_must_be_offered_and_ours(mutual, authority, mechanism):
    relay = mutual(starttls="demands", mechanisms=("PLAIN",))

    outcome = submit(
        showing(relay, authority, "starttls", mechanism=mechanism, username="kim")
    )

    assert outcome.failure.stage is Stage.AUTH
    assert outcome.failure.kind is FailureKind.REFUSED_BY_US
    assert relay.log_ons == []


def test_key_that_does_not_fit_is_said_before_the_handshake(play, authority):
    relay = play(STARTTLS)
    values = {
        "client_cert": authority.clients["good"].certificate,
        "client_key": Secret(authority.clients["stranger"].key),
    }

    outcome = submit(relay_at(relay, "starttls", auth=Auth.CLIENT_CERT, **values))

    assert outcome.failure.stage is Stage.STARTTLS
    assert "client certificate cannot be used" in outcome.failure.words
    assert relay.commands == ["EHLO portal.test", "QUIT"]


def test_contexts_are_kept_by_content(authority):
    good, other = authority.clients["good"], authority.clients["stranger"]

    def context(client, ca=authority.pem):
        return tls.context_of(ca, client.certificate, Secret(client.key))

    assert context(good) is context(good)
    assert context(good) is not context(other)
    assert context(good) is not tls.context_of(authority.pem)
    assert context(good) is not context(good, None)
    assert tls.context_of(None) is tls.context_of(None)


def test_key_is_on_no_disk(authority, monkeypatch, tmp_path):
    """Where memory files are lacking, a file of ours alone is gone at once."""
    monkeypatch.setattr(tls.tempfile, "tempdir", str(tmp_path))
    good = authority.clients["good"]

    tls.context_of(None, good.certificate, Secret(good.key))
    monkeypatch.delattr(tls.os, "memfd_create")
    tls.context_of("\n" + authority.pem, good.certificate, Secret(good.key))

    assert list(tmp_path.iterdir()) == []


def test_locked_key_asks_nobody_at_the_terminal(authority):
    from cryptography.hazmat.primitives import serialization

    good = authority.clients["good"]
    key = serialization.load_pem_private_key(good.key.encode(), None).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )

    with pytest.raises(Trouble, match="cannot be used"):
        tls.context_of(authority.pem, good.certificate, Secret(key.decode()))


def cause_of(outcome, security):
    failure = outcome.failure
    evidence = Evidence(
        text=failure.words,
        stage=failure.stage,
        kind=failure.kind,
        exception=failure.exception,
        security=security,
    )
    return explain(evidence, None).cause

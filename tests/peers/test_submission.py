"""`portal try` against Postfix with Dovecot SASL, as a company runs them."""

from __future__ import annotations

import pytest

from tests.peers.conftest import Try
from tests.peers.postfix import Peer

pytestmark = pytest.mark.xdist_group("peers")
IMPLICIT = {"security": "tls"}


def test_starttls_and_the_right_password_are_accepted(try_peer: Try, peer, sink):
    """The mail is taken, and what Postfix hands on carries our Message-ID."""
    tried = try_peer(subject="Hello over STARTTLS")

    assert (tried.exit, tried.said["outcome"]) == (0, "sent")
    assert tried.said["tls"]["version"] in ("TLSv1.2", "TLSv1.3")
    assert tried.said["recipients"][0]["address"] == "pat@elsewhere.example"
    assert tried.step("post_data")["reply"]["text"].startswith("2.0.0 Ok: queued as")
    ((mail, message),) = sink.mail("Hello over STARTTLS")
    assert (mail.mail_from, mail.rcpt_tos) == (peer.owned, ["pat@elsewhere.example"])
    assert message["Message-ID"].strip("<>") == tried.said["message_id"].strip("<>")


def test_implicit_tls_and_the_right_password_are_accepted(try_peer: Try, peer, sink):
    """The same over TLS from the first byte: a stage `tls`, none of `starttls`."""
    tried = try_peer(port=peer.submissions, subject="Hello over TLS", **IMPLICIT)

    assert (tried.exit, tried.said["outcome"]) == (0, "sent")
    stages = [each["stage"] for each in tried.said["steps"]]
    assert "tls" in stages
    assert "starttls" not in stages
    assert len(sink.mail("Hello over TLS")) == 1


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "SCRAM-SHA-256", "CRAM-MD5"])
def test_a_chosen_mechanism_is_the_one_that_signs_in(try_peer: Try, peer, mechanism):
    """Dovecot lets us in by the mechanism that was asked for, and says which."""
    tried = try_peer(mechanism=mechanism)

    assert (tried.exit, tried.said["outcome"]) == (0, "sent")
    assert peer.logged(f"sasl_method={mechanism}, sasl_username={peer.user}")


def test_a_try_that_stops_after_rcpt_sends_nothing(try_peer: Try, sink):
    """Every stage up to RCPT passes, and Postfix never sees a DATA."""
    tried = try_peer(stop_after="rcpt_to", subject="Never sent")

    assert (tried.exit, tried.said["outcome"]) == (0, "stopped")
    assert tried.step("rcpt_to")["status"] == "ok"
    assert tried.step("data")["status"] == "skipped"
    assert sink.mail("Never sent", count=0) == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_wrong_password_fails_once_at_auth(try_peer: Try, peer: Peer, security):
    """One AUTH, its 535, the rest skipped, and the diagnosis names the password."""
    before = peer.log().count("authentication failed")
    port = peer.submissions if security == "tls" else peer.submission

    tried = try_peer(port=port, security=security, password="wrong")

    assert (tried.exit, tried.said["outcome"]) == (1, "failed")
    assert tried.said["stage"] == "auth"
    assert tried.step("auth")["reply"]["code"] == 535
    assert tried.step("mail_from")["status"] == "skipped"
    assert tried.said["diagnosis"]["cause"] == "auth_bad_credentials"
    assert peer.log().count("authentication failed") == before + 1
    assert "wrong" not in tried.errors


def test_a_foreign_sender_is_refused_at_rcpt(try_peer: Try, peer: Peer):
    """Postfix takes MAIL and refuses the sender at RCPT, its default."""
    tried = try_peer(**{"from": "boss@peer.example"})

    assert (tried.exit, tried.said["stage"]) == (1, "rcpt_to")
    reply = tried.step("rcpt_to")["reply"]
    assert (reply["code"], reply["enhanced"]) == (553, "5.7.1")
    assert tried.said["diagnosis"]["cause"] == "sender_not_authorised"


def test_a_foreign_sender_is_refused_at_mail(try_peer: Try, peer: Peer):
    """With smtpd_delay_reject=no the same refusal answers MAIL."""
    tried = try_peer(port=peer.submissions, **IMPLICIT, **{"from": "boss@peer.example"})

    assert (tried.exit, tried.said["stage"]) == (1, "mail_from")
    assert tried.step("mail_from")["reply"]["code"] == 553
    assert tried.said["diagnosis"]["cause"] == "sender_not_authorised"


def test_relaying_without_signing_in_is_denied(try_peer: Try):
    """No sign-in, a foreign recipient: `Relay access denied` at RCPT."""
    nobodys = {"from": "kim@elsewhere.example"}
    tried = try_peer(auth="none", username=None, password_file=None, **nobodys)

    assert (tried.exit, tried.said["stage"]) == (1, "rcpt_to")
    reply = tried.step("rcpt_to")["reply"]
    assert reply["code"] == 554
    assert "Relay access denied" in reply["text"]
    assert tried.said["diagnosis"]["remedy"]


def test_an_unknown_recipient_is_refused(try_peer: Try):
    """550 5.1.1 for a mailbox that the peer's own domain does not have."""
    tried = try_peer(to="nobody@peer.example")

    assert (tried.exit, tried.said["outcome"]) == (1, "failed")
    assert tried.said["recipients"][0]["reply"]["enhanced"] == "5.1.1"
    assert tried.said["diagnosis"]["cause"] == "recipient_unknown"


def test_a_peer_that_wants_tls_says_so(try_peer: Try):
    """In cleartext Postfix answers MAIL with 530 5.7.0 Must issue STARTTLS."""
    tried = try_peer(
        security="none", auth="none", username=None, password_file=None, ca_file=None
    )

    assert (tried.exit, tried.said["stage"]) == (1, "mail_from")
    assert tried.step("mail_from")["reply"]["code"] == 530
    assert tried.said["diagnosis"]["cause"] == "starttls_required"


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_an_unknown_authority_ends_before_signing_in(try_peer, peer, security):
    """Without its authority the peer is not trusted and no AUTH is sent."""
    before = peer.log().count("sasl_")
    port = peer.submissions if security == "tls" else peer.submission

    tried = try_peer(port=port, security=security, ca_file=None)

    assert (tried.exit, tried.said["stage"]) == (1, security)
    assert tried.step("auth")["status"] == "skipped"
    assert tried.said["diagnosis"]["cause"] == "certificate_untrusted"
    assert peer.log().count("sasl_") == before


def test_cleartext_to_the_implicit_port_is_explained(try_peer: Try, peer: Peer):
    """STARTTLS on the port of implicit TLS ends at the greeting, within its limit."""
    tried = try_peer(port=peer.submissions, stage_timeout=2)

    assert (tried.exit, tried.said["stage"]) == (1, "banner")
    assert tried.said["diagnosis"]["cause"] == "plain_on_tls_port"


def test_a_mail_over_the_size_limit_stops_before_mail(try_peer: Try, tmp_path):
    """SIZE of EHLO is respected: nothing is offered that would be refused."""
    big = tmp_path / "big.txt"
    big.write_text("word " * 300_000)

    tried = try_peer(text_file=str(big))

    assert (tried.exit, tried.said["stage"]) == (1, "mail_from")
    assert tried.said["diagnosis"]["cause"] == "message_too_large"

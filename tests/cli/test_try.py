"""`portal try`: a live test from the terminal, against relays on loopback."""

from __future__ import annotations

import base64
from email import message_from_bytes, policy

import pytest

ADDRESSED = ("--from", "kim@example.org", "--to", "ada@example.org")
KEYS = ["outcome", "stage", "steps", "tls", "ehlo", "message_id", "recipients"]


SIGNED_IN = ("--username", "kim", "--password-file", "password", "--ca-file", "ca.pem")


def test_mail_is_sent_and_every_stage_told(told, sink, authority):
    relay = sink(users={"kim": "open sesame"}, starttls=authority.contexts["good"])

    status, found = told(relay.port, *ADDRESSED, *SIGNED_IN, security="starttls")

    assert status == 0
    assert list(found) == [*KEYS, "diagnosis"]
    assert (found["outcome"], found["stage"], found["diagnosis"]) == (
        "sent",
        None,
        None,
    )
    stages = "dns connect banner ehlo starttls auth mail_from rcpt_to data post_data"
    assert [step["stage"] for step in found["steps"]] == stages.split()
    assert {step["status"] for step in found["steps"]} == {"ok"}
    assert list(found["steps"][0]) == [
        "stage",
        "status",
        "ms",
        "said",
        "reply",
        "detail",
    ]
    assert found["tls"]["version"] == "TLSv1.3"
    assert "localhost" in found["tls"]["san"]
    mail = message_from_bytes(relay.mails[0].content, policy=policy.default)
    assert mail["Message-ID"] == found["message_id"]
    assert mail["From"] == "kim@example.org"


def test_password_shows_in_no_output(portal_try, sink, authority):
    relay = sink(users={"kim": "open sesame"}, starttls=authority.contexts["good"])
    words = (*ADDRESSED, *SIGNED_IN, "--mechanism", "login")

    done = portal_try(relay.port, *words, "--json", security="starttls")

    assert done.exit_code == 0
    assert relay.log_ons == [("kim", "LOGIN")]
    for form in (b"open sesame", base64.b64encode(b"open sesame")):
        assert form.decode() not in done.output


def test_wrong_password_ends_at_auth_with_its_diagnosis(told, sink, authority):
    relay = sink(users={"kim": "open sesame"}, tls=authority.contexts["good"])
    wrong = ("--username", "kim", "--password-file", "wrong", "--ca-file", "ca.pem")

    status, found = told(relay.port, *ADDRESSED, *wrong, security="tls")

    assert (status, found["outcome"], found["stage"]) == (1, "failed", "auth")
    assert found["diagnosis"]["cause"] == "auth_bad_credentials"
    assert found["diagnosis"]["evidence"]["code"] == 535
    assert len(relay.log_ons) == 1
    assert [s["status"] for s in found["steps"]][-4:] == ["skipped"] * 4


def test_password_does_not_go_in_clear_unless_allowed(told, sink):
    relay = sink(users={"kim": "open sesame"}, clear_auth=True)
    signed_in = ("--username", "kim", "--password-file", "password")

    status, found = told(relay.port, *ADDRESSED, *signed_in)
    assert (status, found["stage"]) == (1, "auth")
    assert relay.log_ons == []

    allowed = "--allow-cleartext-auth"
    status, found = told(relay.port, *ADDRESSED, *signed_in, allowed)
    assert (status, found["outcome"]) == (0, "sent")


def test_untrusted_certificate_is_told(told, sink, authority):
    relay = sink(starttls=authority.contexts["good"])

    status, found = told(relay.port, *ADDRESSED, security="starttls")

    assert (status, found["stage"]) == (1, "starttls")
    assert found["diagnosis"]["cause"] == "certificate_untrusted"


def test_one_refused_recipient_is_partial(told, sink):
    relay = sink(refuse=frozenset({"nobody@example.org"}))

    status, found = told(relay.port, *ADDRESSED, "--to", "nobody@example.org")

    assert (status, found["outcome"]) == (1, "partial")
    assert [(r["address"], r["status"]) for r in found["recipients"]] == [
        ("ada@example.org", "sent"),
        ("nobody@example.org", "failed"),
    ]


def test_lost_answer_after_the_dot_is_uncertain(told, play):
    relay = play("closes_after_the_dot.txt")

    status, found = told(relay.port, *ADDRESSED)

    assert (status, found["outcome"], found["stage"]) == (1, "uncertain", "post_data")
    assert found["recipients"][0]["status"] == "uncertain"


def test_stop_after_rcpt_to_sends_nothing(told, sink):
    relay = sink()

    status, found = told(relay.port, *ADDRESSED, "--stop-after", "rcpt_to")

    assert (status, found["outcome"]) == (0, "stopped")
    assert relay.mails == []


def test_stop_before_the_envelope_needs_no_address(told, sink):
    status, found = told(sink().port, "--stop-after", "ehlo")

    assert (status, found["outcome"], found["stage"]) == (0, "stopped", "ehlo")


def test_nobody_listens(portal_try):
    """People read the stage, what was meant and what to do."""
    done = portal_try(1, *ADDRESSED)

    assert done.exit_code == 1
    assert "FAILED  connect" in done.stdout
    assert "Not sent: it ended at connect." in done.stdout
    assert "Nothing listens on port 1 there" in done.stdout


def test_addresses_and_names_go_out_as_typed(told, sink):
    """Also those the relay will refuse: its answer is the point."""
    relay = sink()
    words = ("--from", "Kim <kim@shop.example>", "--mail-from", "")

    status, _ = told(relay.port, *words, "--to", "ada@localhost", "--helo", "odd_name")

    assert status == 0
    mail = relay.mails[0]
    assert (mail.mail_from, mail.recipients) == ("<>", ("ada@localhost",))
    assert mail.helo == "odd_name"
    assert b"From: Kim <kim@shop.example>\r\n" in mail.content


def test_name_before_the_from_address_stays_out_of_the_envelope(told, sink):
    relay = sink()

    told(relay.port, "--from", "Kim <kim@shop.example>", "--to", "ada@example.org")

    assert relay.mails[0].mail_from == "kim@shop.example"


def test_name_beyond_ascii_asks_nothing_of_the_relay(told, sink):
    """It travels as an encoded word: no SMTPUTF8, no 8BITMIME."""
    relay = sink()

    status, _ = told(
        relay.port, "--from", '"Jürgen K" <k@shop.example>', "--to", "ada@example.org"
    )

    assert status == 0
    assert relay.mails[0].content.isascii()
    mail = message_from_bytes(relay.mails[0].content, policy=policy.default)
    assert mail["From"] == "Jürgen K <k@shop.example>"


def test_own_words_and_headers(told, sink, files):
    (files / "text").write_text("Grüße\n.\nEnde\n")
    relay = sink()
    own = ("--subject", "Ü", "--text-file", "text", "--header", "X-Job: 7")

    told(relay.port, *ADDRESSED, *own)

    mail = message_from_bytes(relay.mails[0].content, policy=policy.default)
    assert (mail["Subject"], mail["X-Job"]) == ("Ü", "7")
    assert mail.get_content().splitlines() == ["Grüße", ".", "Ende"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "Give --from and --to"),
        ((*ADDRESSED, "--to", "a\r\nRCPT"), "may not hold control characters"),
        ((*ADDRESSED, "--helo", "a\nb"), "may not hold control characters"),
        ((*ADDRESSED, "--header", "Bcc: x@y.example"), "Bcc is set by the portal"),
        ((*ADDRESSED, "--header", "no colon"), "is not like 'Name: value'"),
        ((*ADDRESSED, "--username", "kim"), "needs --username and --password-file"),
        ((*ADDRESSED, "--ca-file", "password"), "holds no PEM certificate"),
        ((*ADDRESSED, "--text-file", "absent"), "cannot be read"),
        ((*ADDRESSED, "--local-address", "eth0"), "eth0 is no IP"),
        (("--from", "ü" * 1500), "more than 900 characters"),
        ((*ADDRESSED, "--subject", "=?utf-8?q?a=0D=0ABcc:_e?="), "encoded word"),
    ],
)
def test_wrong_use_is_one_sentence_and_2(portal_try, words, sentence):
    done = portal_try(1, *words)

    assert done.exit_code == 2
    assert sentence in done.stderr
    assert done.stdout == ""

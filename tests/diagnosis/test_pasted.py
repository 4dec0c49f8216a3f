"""Whatever is pasted leads to what its servers meant: bounces and errors."""

from __future__ import annotations

import pytest

from portal.diagnosis.explain import explain
from portal.diagnosis.pasted import Pasted, read
from tests.diagnosis.failures import DATA


def pasted(name: str) -> tuple[Pasted, ...]:
    return read((DATA / "pasted" / name).read_text("utf-8"))


@pytest.mark.parametrize(
    ("name", "stage", "code", "enhanced", "cause"),
    [
        ("bounce_exchange.txt", "rcpt_to", 550, "5.1.10", "recipient_unknown"),
        ("bounce_exim.txt", "post_data", 550, "5.7.1", "content_rejected_spam"),
        ("bounce_qmail.txt", "rcpt_to", 550, "5.1.1", "recipient_unknown"),
        ("bounce_sendmail.txt", "mail_from", 550, "5.7.1", "spf_failed"),
        ("fields.txt", "connect", None, "4.4.1", "connect_timeout_firewalled"),
        ("python_login.txt", "auth", 535, "5.7.8", "auth_bad_credentials"),
        ("python_greeting.txt", "banner", None, None, "connection_dropped_early"),
        ("java_tls.txt", "starttls", None, None, "certificate_untrusted"),
        ("node_login.txt", "auth", 535, "5.7.8", "auth_bad_credentials"),
        ("node_connect.txt", "connect", None, None, "connection_refused"),
    ],
)
def test_one_failure_is_found_with_its_place(name, stage, code, enhanced, cause):
    (found,) = pasted(name)

    evidence = found.evidence
    assert (evidence.stage, evidence.code, evidence.enhanced) == (stage, code, enhanced)
    assert explain(evidence).cause == cause


def test_a_report_tells_of_each_recipient_that_failed():
    """RFC 3464: the part for programs; the stage comes from the part for people."""
    kim, bo = pasted("bounce_postfix.eml")

    assert (kim.recipient, kim.reporter) == ("kim@example.org", "relay.example")
    assert kim.evidence.host == "mx.example.org"
    assert kim.evidence.stage == "rcpt_to"
    assert explain(kim.evidence).cause == "recipient_unknown"
    assert (bo.recipient, bo.evidence.stage) == ("bo@example.org", "post_data")
    assert explain(bo.evidence).cause == "message_too_large"


def test_a_reply_of_several_lines_is_one_sentence():
    text = (
        "Final-Recipient: rfc822; kim@gmail.com\nAction: failed\nStatus: 5.1.1\n"
        "Diagnostic-Code: smtp; 550-5.1.1 The email account that you tried to reach does\n"
        " not exist. Please try\n 550-5.1.1 double-checking the address 550 5.1.1 - gsmtp"
    )

    (found,) = read(text)

    assert found.evidence.text == (
        "5.1.1 The email account that you tried to reach does not exist. Please try"
        " double-checking the address - gsmtp"
    )


def test_a_quoted_bounce_is_a_bounce():
    text = (DATA / "pasted" / "bounce_postfix.eml").read_text("utf-8")

    quoted = "\n".join(f"> {line}" for line in text.splitlines())

    assert read(quoted) == read(text)


def test_a_status_without_words_still_tells():
    text = "Final-Recipient: rfc822; kim@example.org\nAction: failed\nStatus: 5.2.2\n"

    (found,) = read(text)

    assert explain(found.evidence).cause == "mailbox_full"


@pytest.mark.parametrize(
    ("text", "stage", "cause"),
    [
        (
            "smtplib.SMTPRecipientsRefused: {'kim@example.org': (550, b'5.1.1 User"
            " unknown')}",
            "rcpt_to",
            "recipient_unknown",
        ),
        (
            "smtplib.SMTPSenderRefused: (553, b'5.7.1 Sender address rejected: not"
            " owned by user app', 'other@example.com')",
            "mail_from",
            "sender_not_authorised",
        ),
        (
            "ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate"
            " verify failed: certificate has expired (_ssl.c:1000)",
            "tls",
            "certificate_expired",
        ),
        (
            "socket.gaierror: [Errno -2] Name or service not known",
            "dns",
            "dns_no_such_host",
        ),
        (
            "javax.mail.AuthenticationFailedException: 535 5.7.8 Error: authentication"
            " failed\n\tat com.sun.mail.smtp.SMTPTransport.send(SMTPTransport.java:9)",
            "auth",
            "auth_bad_credentials",
        ),
        (
            "MailKit.Security.AuthenticationException: 535: 5.7.139 Authentication"
            " unsuccessful, basic authentication is disabled.",
            "auth",
            "auth_basic_disabled_by_provider",
        ),
        (
            'Expected response code "250" but got code "550", with message "550 5.7.1'
            ' Sender address rejected: not owned by user".',
            None,
            "sender_not_authorised",
        ),
        (
            "dial tcp: lookup smtp.exmaple.org on 127.0.0.53:53: no such host",
            None,
            "dns_no_such_host",
        ),
        (
            "Net::SMTPAuthenticationError: 535-5.7.8 Username and Password not accepted",
            "auth",
            "auth_bad_credentials",
        ),
    ],
)
def test_an_error_of_any_language_is_understood(text, stage, cause):
    (found,) = read(text)

    assert found.evidence.stage == stage
    assert explain(found.evidence).cause == cause


def test_a_plain_reply_stays_as_it_is():
    (found,) = read(" 550 5.7.1 Relay access denied\n")

    assert found.evidence.text == "550 5.7.1 Relay access denied"
    assert explain(found.evidence).cause == "relay_denied_ip_not_allowed"


@pytest.mark.parametrize("text", ["", "hello", "\0\x1b[2J", "Status: \n\n", "<<<\n"])
def test_what_tells_nothing_is_not_given_a_meaning(text):
    (found,) = read(text)

    assert explain(found.evidence).cause == "rejected_unspecified"
    assert "\x1b" not in found.evidence.text and "\0" not in found.evidence.text


SWAKS = """\
=== Connected to mx.example.org.
<-  220 mx.example.org ESMTP
 -> EHLO app.example
<-  250 mx.example.org
 -> MAIL FROM:<app@example.com>
<-  250 2.1.0 Ok
 -> RCPT TO:<kim@example.org>
<** 550-5.7.1 Relay
<** 550 5.7.1 access denied
 -> QUIT
<-  221 2.0.0 Bye
"""
SMTPLIB = """\
send: 'ehlo app.example\\r\\n'
reply: b'250 mx.example.org\\r\\n'
send: 'data\\r\\n'
reply: b'354 go on\\r\\n'
send: b'.\\r\\n'
reply: b'550 5.7.1 Spam message rejected\\r\\n'
"""
CURL = """\
< 220 mx.example.org ESMTP
> EHLO app
< 250-mx.example.org
< 250 AUTH PLAIN
> AUTH PLAIN
< 334
> AGEAYg==
< 535 5.7.8 Error: authentication failed
"""


@pytest.mark.parametrize(
    ("text", "stage", "code", "cause"),
    [
        (SWAKS, "rcpt_to", 550, "relay_denied_ip_not_allowed"),
        (SMTPLIB, "post_data", 550, "content_rejected_spam"),
        (CURL, "auth", 535, "auth_bad_credentials"),
        ("C: STARTTLS\nS: 454 4.7.0 no\n", "starttls", 454, "starttls_not_offered"),
    ],
)
def test_a_written_conversation_tells_what_was_refused(text, stage, code, cause):
    (found,) = read(text)

    assert (found.evidence.stage, found.evidence.code) == (stage, code)
    assert "\\r" not in found.evidence.text
    assert explain(found.evidence).cause == cause

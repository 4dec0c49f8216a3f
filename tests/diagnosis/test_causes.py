"""Failures that are known from words, codes and classes."""

from __future__ import annotations

import pytest

from portal.diagnosis.explain import explain
from portal.diagnosis.types import Evidence


def of(text: str = "Words.", **fields: object) -> Evidence:
    return Evidence(text=text, **fields)


@pytest.mark.parametrize(
    ("evidence", "cause", "title"),
    [
        (
            of(
                "[Errno 111] refused",
                stage="connect",
                exception="ConnectionRefusedError",
                port=587,
            ),
            "connection_refused",
            "Nothing listens on port 587 there",
        ),
        (
            of("5.7.8 Error: authentication failed", stage="auth", code=535),
            "auth_bad_credentials",
            "The relay refuses this user name and password",
        ),
        (
            of(
                "5.7.0 Must issue a STARTTLS command first", stage="mail_from", code=530
            ),
            "starttls_required",
            "Encryption is required first",
        ),
        (
            of(
                "[SSL: SSLV3_ALERT_HANDSHAKE_FAILURE]",
                stage="starttls",
                exception="ssl.SSLError",
            ),
            "tls_protocol_too_old",
            "The TLS handshake failed",
        ),
        (
            of(
                "<a@b.example>: Sender address rejected: Access denied",
                stage="mail_from",
                code=553,
            ),
            "sender_not_authorised",
            "The relay refuses the sender address",
        ),
        (
            of(
                "5.1.1 <a@b.example>: Recipient address rejected: User unknown",
                stage="rcpt_to",
                code=550,
            ),
            "recipient_unknown",
            "The relay refuses the recipient address",
        ),
    ],
)
def test_the_six_failures_that_everybody_documents(evidence, cause, title):
    found = explain(evidence)

    assert (found.cause, found.title) == (cause, title)
    assert found.meaning and found.remedy


@pytest.mark.parametrize(
    ("evidence", "cause"),
    [
        (
            of(
                "[Errno -2] Name or service not known",
                stage="dns",
                exception="socket.gaierror",
            ),
            "dns_no_such_host",
        ),
        (
            of(
                "The look-up of x failed: SERVFAIL.",
                stage="dns",
                exception="socket.gaierror",
            ),
            "dns_temporary_failure",
        ),
        (
            of("timed out", stage="connect", exception="TimeoutError"),
            "connect_timeout_firewalled",
        ),
        (
            of(
                "[Errno 101] Network is unreachable",
                stage="connect",
                exception="OSError",
            ),
            "network_unreachable",
        ),
        (
            of(
                "[SSL: WRONG_VERSION_NUMBER]",
                stage="tls",
                exception="ssl.SSLError",
                port=587,
            ),
            "tls_on_plain_port",
        ),
        (
            of(
                "silence",
                stage="banner",
                exception="TimeoutError",
                port=465,
                security="starttls",
            ),
            "plain_on_tls_port",
        ),
        (
            of(
                "silence",
                stage="banner",
                exception="TimeoutError",
                port=587,
                security="starttls",
            ),
            "session_timeout",
        ),
        (
            of(
                "certificate has expired",
                stage="tls",
                exception="ssl.SSLCertVerificationError",
            ),
            "certificate_expired",
        ),
        (
            of(
                "Hostname mismatch",
                stage="tls",
                exception="ssl.SSLCertVerificationError",
            ),
            "certificate_hostname_mismatch",
        ),
        (
            of(
                "self-signed certificate",
                stage="tls",
                exception="ssl.SSLCertVerificationError",
            ),
            "certificate_untrusted",
        ),
        (of("TLS not available", stage="starttls", code=454), "starttls_not_offered"),
        (
            of("Application-specific password required", stage="auth", code=534),
            "auth_app_password_required",
        ),
        (
            of(
                "SmtpClientAuthentication is disabled for the Tenant",
                stage="auth",
                code=535,
            ),
            "auth_basic_disabled_by_provider",
        ),
        (of("Too many login attempts", stage="auth", code=454), "auth_rate_limited"),
        (
            of("Unrecognized authentication type", stage="auth", code=504),
            "auth_mechanism_unsupported",
        ),
        (of("Authentication required", stage="mail_from", code=530), "auth_required"),
        (
            of("Relay access denied", stage="rcpt_to", code=554),
            "relay_denied_ip_not_allowed",
        ),
        (
            of(
                "Domain not found: sender address rejected: Domain not found",
                stage="mail_from",
                code=450,
            ),
            "sender_domain_invalid",
        ),
        (
            of("Greylisted, come back in 5 minutes", stage="rcpt_to", code=451),
            "greylisted",
        ),
        (of("too many recipients", stage="rcpt_to", code=452), "too_many_recipients"),
        (of("5.2.2 mailbox full", stage="rcpt_to", code=552), "mailbox_full"),
        (
            of("message size exceeds limit", stage="mail_from", code=552),
            "message_too_large",
        ),
        (of("rate limit exceeded", stage="mail_from", code=451), "rate_limited"),
        (
            of("Daily sending quota exceeded", stage="post_data", code=550),
            "quota_exceeded",
        ),
        (
            of("message looks like spam", stage="post_data", code=550),
            "content_rejected_spam",
        ),
        (
            of("closed", stage="post_data", kind="closed", phase="dot"),
            "connection_lost_after_data",
        ),
        (
            of("HTTP/1.1 400 Bad Request", stage="banner", kind="protocol"),
            "not_an_smtp_server",
        ),
        (
            of("AADSTS7000215: Invalid client secret", stage="oauth_token"),
            "oauth_client_misconfigured",
        ),
    ],
)
def test_words_and_codes_that_carry_meaning_are_understood(evidence, cause):
    assert explain(evidence).cause == cause


@pytest.mark.parametrize("kind", ["timeout", "closed", "tls", "protocol", "net"])
def test_a_dot_without_its_answer_leaves_doubt_whatever_came(kind):
    """Also where something came that is no answer to it: 354 once more."""
    found = explain(
        of("354 Still here", stage="post_data", kind=kind, code=354, phase="dot")
    )

    assert found.cause == "connection_lost_after_data"
    assert found.temporary


def test_a_broken_connection_before_the_dot_is_not_called_uncertain():
    """RFC 5321 §4.1.1.4: without the final dot the relay must discard it."""
    found = explain(of("reset", stage="data", kind="closed", phase="content"))

    assert "did not accept it" in found.meaning

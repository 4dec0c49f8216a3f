"""Every failure gets an answer, and none that the evidence does not carry."""

from __future__ import annotations

import pytest

from portal.delivery.types import FailureKind, Stage
from portal.diagnosis.explain import explain
from portal.diagnosis.rules import causes
from portal.diagnosis.types import Evidence, HintRule, ProviderHints
from portal.diagnosis.words import diagnosis_json

HINTS = ProviderHints(
    name="Postmark",
    username_hint="the same value as the secret",
    password_hint="Server API token",
    from_hint="Sender Signatures or Domains",
    docs="https://postmarkapp.com/support",
    rules=(
        HintRule(
            match="authentication failed",
            meaning="Account token used",
            kind="auth",
            cause="auth_bad_credentials",
            code=535,
        ),
        HintRule(
            match="signature",
            meaning="Not confirmed",
            kind="from",
            cause="sender_domain_unverified",
        ),
        HintRule(
            match="zebra",
            meaning="The stripes are off",
            kind="trial",
            cause="sandbox_restricted",
        ),
    ),
)


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


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize(
    "kind", [each for each in FailureKind if each is not FailureKind.REPLY]
)
def test_every_stage_and_class_has_an_honest_sentence(stage, kind):
    """Never silence; and no words, no certainty about somebody else's doing."""
    found = explain(of(stage=stage, kind=kind, port=587, security="starttls"))

    assert found.title and found.meaning.endswith(".") and found.remedy.endswith(".")
    assert found.cause in causes()


@pytest.mark.parametrize(
    "stage", [each for each in Stage if each not in ("dns", "connect", "tls")]
)
@pytest.mark.parametrize("code", [421, 450, 500, 550, 554, 599])
def test_a_reply_without_words_is_not_taken_for_more_than_it_is(stage, code):
    found = explain(of("", stage=stage, kind="reply", code=code))

    assert found.title and found.remedy
    assert found.confidence <= 0.85
    assert found.temporary is (code < 500) or stage == "oauth_token"


@pytest.mark.parametrize("code", [450, 550])
@pytest.mark.parametrize(
    "stage", ["mail_from", "rcpt_to", "data", "post_data", "banner", None]
)
def test_unknown_words_are_said_to_be_unknown_or_unsure(stage, code):
    """“Transaction failed” names no cause, and we do not invent one."""
    found = explain(of("Blorp", stage=stage, code=code))

    assert found.cause == "rejected_unspecified" or found.confidence <= 0.6


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


def test_a_broken_connection_before_the_dot_is_not_called_uncertain():
    """RFC 5321 §4.1.1.4: without the final dot the relay must discard it."""
    found = explain(of("reset", stage="data", kind="closed", phase="content"))

    assert "did not accept it" in found.meaning


def test_a_pasted_reply_needs_no_fields():
    found = explain(
        of("535-5.7.8 Username and Password not accepted.\n535 5.7.8 see help")
    )

    assert found.cause == "auth_bad_credentials"
    assert found.evidence == {
        "code": 535,
        "enhanced": "5.7.8",
        "text": "535-5.7.8 Username and Password not accepted.\n535 5.7.8 see help",
        "stage": None,
    }


def test_without_its_stage_a_bare_code_stays_unexplained():
    assert explain(of("550 no")).cause == "rejected_unspecified"


def test_a_provider_adds_its_meaning_and_where_things_are():
    found = explain(of("authentication failed", stage="auth", code=535), HINTS)

    assert found.cause == "auth_bad_credentials"
    assert found.meaning.endswith(
        "With Postmark, these words stand for: Account token used."
    )
    assert "User name with Postmark: the same value as the secret." in found.remedy
    assert "Secret: Server API token." in found.remedy
    assert found.docs == "https://postmarkapp.com/support"


def test_a_provider_decides_what_a_refused_sender_is():
    """One asks for a right, the other for a verification: general words cannot tell."""
    evidence = of("not allowed to send: signature missing", stage="post_data", code=550)

    assert explain(evidence).cause == "sender_not_authorised"
    found = explain(evidence, HINTS)
    assert found.cause == "sender_domain_unverified"
    assert "sender_not_authorised" in found.alternatives
    assert "Sender Signatures or Domains." in found.remedy


def test_a_provider_s_wording_helps_where_ours_knows_nothing():
    evidence = of("zebra", stage="post_data", code=554)

    assert explain(evidence).cause == "rejected_unspecified"
    assert explain(evidence, HINTS).cause == "sandbox_restricted"


def test_the_guard_has_one_sentence_for_everybody_and_a_setting_for_owners():
    """What runs at a forbidden target stays unknown, whatever the provider's rules say."""
    words = "This portal may not connect to that host and port."
    everybody = explain(
        of(words, stage="dns", kind="forbidden", host="10.0.0.5"), HINTS
    )
    others = explain(
        of(words, stage="dns", kind="forbidden", host="db.internal"), HINTS
    )
    setting = "PORTAL_RELAY_ALLOW=10.0.0.5:25"
    owner = explain(of(words, stage="dns", kind="forbidden", remedy=setting))

    assert everybody.cause == "relay_not_permitted"
    said = (everybody.title, everybody.meaning, everybody.remedy)
    assert said == (others.title, others.meaning, others.remedy)
    assert "PORTAL_RELAY_ALLOW" not in everybody.remedy
    assert setting in owner.remedy


@pytest.mark.parametrize(
    ("evidence", "values"),
    [
        (
            of("[SSL: WRONG_VERSION_NUMBER]", stage="tls", port=587),
            {"security": "starttls"},
        ),
        (
            of(
                "x",
                stage="banner",
                port=465,
                security="starttls",
                kind="timeout",
                exception="TimeoutError",
            ),
            {"security": "tls"},
        ),
        (
            of(
                "x",
                stage="banner",
                port=4650,
                security="none",
                kind="timeout",
                exception="TimeoutError",
            ),
            {"security": "tls"},
        ),
        (
            of("Must use TLS", stage="mail_from", code=530, security="none"),
            {"security": "starttls"},
        ),
        (
            of(
                "The relay offers PLAIN, but not XOAUTH2.",
                stage="auth",
                kind="refused_by_us",
            ),
            {"mechanism": ""},
        ),
    ],
)
def test_what_a_setting_repairs_has_a_repair(evidence, values):
    (repair,) = explain(evidence).repairs

    assert repair.set == values
    assert "test" in repair.label and not repair.tested


def test_the_class_of_the_reply_says_whether_it_may_pass():
    """Except where “later” mends nothing: a wrong password stays wrong."""
    assert explain(of("spam", stage="post_data", code=450)).temporary
    assert not explain(of("spam", stage="post_data", code=550)).temporary
    assert not explain(of("authentication failed", stage="auth", code=435)).temporary
    assert explain(of("rate limit", stage="mail_from", code=550)).temporary


def test_the_json_has_exactly_the_shape_of_the_contract():
    shape = diagnosis_json(
        explain(of("x", stage="banner", port=465, security="none", kind="timeout"))
    )

    assert list(shape) == [
        "cause",
        "confidence",
        "temporary",
        "title",
        "meaning",
        "remedy",
        "repairs",
        "evidence",
        "alternatives",
        "docs",
    ]
    assert list(shape["evidence"]) == ["code", "enhanced", "text", "stage"]
    assert list(shape["repairs"][0]) == ["set", "label", "tested"]
    assert isinstance(shape["alternatives"], list)


@pytest.mark.parametrize(
    "text", ["", "\0", "5" * 100_000, "550 " * 5_000, "{host}", "(" * 999]
)
def test_any_text_is_answered_quickly(text):
    assert explain(of(text)).title
    assert explain(of(text, stage="auth", code=535), HINTS).title

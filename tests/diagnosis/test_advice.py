"""Advice for this provider, this setting, this person."""

from __future__ import annotations

import pytest

from portal.diagnosis.explain import explain
from portal.diagnosis.types import Evidence, HintRule, ProviderHints

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
    first, *_ = explain(evidence).repairs

    assert first.set == values
    assert first.label and not first.tested

"""What the catalogue knows of a provider stands in the remedy of a failure there."""

from __future__ import annotations

import pytest

from portal.diagnosis.explain import explain
from portal.diagnosis.types import Evidence
from portal.providers.catalogue import Catalogue
from portal.services import knowledge
from portal.services.provider_words import advice


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.load()


@pytest.mark.parametrize(
    ("provider", "evidence", "told"),
    [
        (
            "microsoft365",
            Evidence(text="4.3.2 rate limit exceeded", stage="post_data", code=432),
            "Limits of Microsoft 365: 30 a minute, 10000 recipients a day,"
            " 3 connections.",
        ),
        (
            "postmark",
            Evidence(text="message too large", stage="post_data", code=552),
            "Postmark takes messages of 10 MB (documented, may differ).",
        ),
        (
            "amazon_ses",
            Evidence(text="account is in the sandbox", stage="post_data", code=554),
            "With Amazon SES: Sandbox until production access is granted per region",
        ),
        (
            "google_workspace_relay",
            Evidence(text="5.7.1 Mail relay denied", stage="rcpt_to", code=550),
            "Routing, SMTP relay service, Configure.",
        ),
    ],
)
def test_the_remedy_names_what_this_provider_documents(
    catalogue, provider, evidence, told
):
    remedy = explain(evidence, knowledge.hints(catalogue, provider)).remedy

    assert told in remedy


def test_every_advice_says_whose_it_is(catalogue):
    for provider in catalogue.all():
        for sentence in advice(provider).values():
            assert "None" not in sentence
            assert provider.name in sentence


def test_what_may_differ_by_now_says_so(catalogue):
    """In the remedy, in what the words stand for; and nothing sure is doubted."""
    mark = "(documented, may differ)"
    evidence = Evidence(text="5.7.1 account is in trial", stage="post_data", code=554)
    ses, brevo = catalogue.get("amazon_ses"), catalogue.get("brevo")

    remedy = explain(evidence, knowledge.hints(catalogue, ses.id)).remedy

    assert ses.is_unsure("trial")
    assert not ses.is_unsure("limits")
    assert remedy.endswith(f"{mark}.")
    assert mark not in advice(ses)["rate_limited"]
    assert brevo.is_unsure("rules")
    assert all(
        rule.meaning.endswith(mark)
        for rule in knowledge.hints(catalogue, "brevo").rules
    )
    assert not any(
        mark in rule.meaning for rule in knowledge.hints(catalogue, ses.id).rules
    )


def test_an_allow_list_that_is_no_condition_is_no_remedy(catalogue):
    """SendGrid can bind a key to addresses; that mends no refused relaying."""
    sendgrid = catalogue.get("sendgrid")

    assert sendgrid.allow_list and not sendgrid.allow_list.required
    assert "relay_denied_ip_not_allowed" not in advice(sendgrid)


@pytest.mark.parametrize(
    ("provider", "cause", "words"),
    [
        ("microsoft365", "oauth_client_misconfigured", "Certificates & secrets"),
        ("microsoft365", "oauth_consent_or_scope_missing", "SMTP.SendAsApp"),
        ("microsoft365", "auth_basic_disabled_by_provider", "Set-CASMailbox"),
        ("gmail", "oauth_consent_or_scope_missing", "https://mail.google.com/"),
        ("gmail", "oauth_client_misconfigured", "Credentials, Create"),
    ],
)
def test_the_console_path_of_a_grant(catalogue, provider, cause, words):
    assert words in advice(catalogue.get(provider))[cause]

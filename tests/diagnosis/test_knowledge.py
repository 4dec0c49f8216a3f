"""What the catalogue knows, as a form's preset and as hints for a diagnosis."""

from __future__ import annotations

import pytest

from portal.delivery.types import (
    Auth,
    Facts,
    Failure,
    FailureKind,
    Outcome,
    Phase,
    RecipientResult,
    RecipientStatus,
    Relay,
    Reply,
    Security,
    Stage,
    Status,
)
from portal.providers.catalogue import Catalogue
from portal.services import knowledge

RELAY = Relay(
    host="smtp.postmarkapp.com",
    port=587,
    security=Security.STARTTLS,
    auth=Auth.API_KEY,
    ehlo_name="portal.example",
)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.load()


def outcome(
    status: Status, failure: Failure | None = None, **fields: object
) -> Outcome:
    given = {"recipients": (), "facts": Facts(), "steps": (), "transcript": ()} | fields
    return Outcome(
        status=status,
        stage=failure.stage if failure else None,
        phase=failure.phase if failure else Phase.ANSWERED,
        failure=failure,
        **given,
    )


@pytest.mark.parametrize(
    ("id_", "values"),
    [
        (
            "postmark",
            {
                "auth": "api_key",
                "host": "smtp.postmarkapp.com",
                "port": 587,
                "security": "starttls",
            },
        ),
        (
            "sendgrid",
            {
                "auth": "api_key",
                "host": "smtp.sendgrid.net",
                "region": "global",
                "port": 587,
                "security": "starttls",
                "username": "apikey",
            },
        ),
        (
            "fastmail",
            {
                "auth": "password",
                "host": "smtp.fastmail.com",
                "port": 465,
                "security": "tls",
            },
        ),
        (
            "microsoft365",
            {
                "auth": "oauth2",
                "host": "smtp.office365.com",
                "port": 587,
                "security": "starttls",
                "oauth": {
                    "grant": "client_credentials",
                    "token_url": "https://login.microsoftonline.com/{tenant}"
                    "/oauth2/v2.0/token",
                    "scope": "https://outlook.office365.com/.default",
                },
                "pacing": {
                    "max_connections": 3,
                    "per_minute": 30,
                    "per_day": 10000,
                },
            },
        ),
        ("generic_smtp", {"auth": "password", "port": 587, "security": "starttls"}),
        (
            "google_workspace_relay",
            {
                "auth": "none",
                "host": "smtp-relay.gmail.com",
                "port": 587,
                "security": "starttls",
            },
        ),
        ("sandbox", {"auth": "none"}),
    ],
)
def test_a_preset_fills_in_what_the_provider_fixes(catalogue, id_, values):
    assert knowledge.preset(catalogue, id_).values == {"provider": id_, **values}


def test_a_preset_follows_the_region(catalogue):
    preset = knowledge.preset(catalogue, "amazon_ses", region="eu-central-1")

    assert preset.values["host"] == "email-smtp.eu-central-1.amazonaws.com"
    assert preset.values["region"] == "eu-central-1"
    assert "eu-west-1" in preset.regions


def test_an_unknown_provider_has_no_preset_and_no_hints(catalogue):
    with pytest.raises(KeyError):
        knowledge.preset(catalogue, "nobody")
    assert knowledge.hints(catalogue, "nobody") is None
    assert knowledge.hints(catalogue, None) is None
    assert knowledge.hints(catalogue, "sandbox") is None


def test_hints_say_what_a_refused_sender_means_there(catalogue):
    """SendGrid wants a verified identity, Microsoft the right to send as."""
    sendgrid = knowledge.hints(catalogue, "sendgrid")
    microsoft = knowledge.hints(catalogue, "microsoft365")

    assert {r.cause for r in sendgrid.rules if r.kind == "from"} == {
        "sender_domain_unverified"
    }
    assert {r.cause for r in microsoft.rules if r.kind == "from"} == {
        "sender_not_authorised"
    }


def test_a_refused_reply_is_diagnosed_with_the_provider_s_words(catalogue):
    reply = Reply(code=535, enhanced="5.7.8", text="5.7.8 authentication failed")
    failure = Failure(
        stage=Stage.AUTH, kind=FailureKind.REPLY, words=str(reply), reply=reply
    )

    found = knowledge.diagnose(
        outcome(Status.FAILED, failure), RELAY, knowledge.hints(catalogue, "postmark")
    )

    assert found.cause == "auth_bad_credentials"
    assert "Account token used" in found.meaning
    assert found.evidence == {
        "code": 535,
        "enhanced": "5.7.8",
        "text": "5.7.8 authentication failed",
        "stage": "auth",
    }


def test_our_own_refusal_is_diagnosed_by_its_words():
    failure = Failure(
        stage=Stage.STARTTLS,
        kind=FailureKind.REFUSED_BY_US,
        words="The relay does not offer STARTTLS.",
    )

    found = knowledge.diagnose(outcome(Status.FAILED, failure), RELAY, None)

    assert found.cause == "starttls_not_offered"
    assert found.evidence["text"] == "The relay does not offer STARTTLS."


def test_one_refused_recipient_among_others_is_diagnosed():
    reply = Reply(code=550, enhanced="5.1.1", text="5.1.1 User unknown")
    recipients = (
        RecipientResult(address="a@x.example", status=RecipientStatus.SENT),
        RecipientResult(
            address="b@x.example", status=RecipientStatus.FAILED, reply=reply
        ),
    )

    found = knowledge.diagnose(
        outcome(Status.PARTIAL, recipients=recipients), RELAY, None
    )

    assert (found.cause, found.evidence["stage"]) == ("recipient_unknown", "rcpt_to")


def test_where_nothing_failed_there_is_nothing_to_explain():
    withdrawn = Failure(stage=Stage.DATA, kind=FailureKind.WITHDRAWN, words="withdrawn")

    assert knowledge.diagnose(outcome(Status.SENT), RELAY, None) is None
    assert knowledge.diagnose(outcome(Status.FAILED, withdrawn), RELAY, None) is None

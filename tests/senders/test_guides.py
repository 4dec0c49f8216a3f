"""The guide of every provider: whole steps, our addresses, no gap left in a record."""

from __future__ import annotations

import dataclasses

import pytest

from portal.delivery.grants import Grant
from portal.delivery.types import Auth, Security
from portal.providers.catalogue import Catalogue
from portal.services.guides import guide
from portal.services.senders.fields import OAuthFields, SenderFields

CATALOGUE = Catalogue.load()
KNOWN = [each for each in CATALOGUE.all() if each.id != "sandbox"]
OURS = ("198.51.100.24", "2001:db8:40::24")


@pytest.fixture
def settings(settings):
    return dataclasses.replace(
        settings, egress_ips=OURS, base_url="https://portal.example.org"
    )


def sender(provider, **changes) -> SenderFields:
    auth = Auth(provider.auth_methods[0])
    return SenderFields(
        name="Pass",
        provider=provider.id,
        host=provider.host_in(None) or "smtp.harbour.example",
        port=587,
        security=Security.STARTTLS,
        auth=auth,
        oauth=of_provider(provider.oauth) if auth is Auth.OAUTH2 else None,
        from_address="no-reply@mail.harbour.example",
        **changes,
    )


def of_provider(facts) -> OAuthFields:
    grant = facts.grants[0]
    return OAuthFields(
        grant=Grant(grant), token_url=facts.token_url, scope=facts.scopes[grant]
    )


def steps_of(settings, provider_id: str, **changes):
    provider = CATALOGUE.get(provider_id)
    found = guide(settings, provider, sender(provider, **changes))
    return {step.id: step for step in found.steps}


@pytest.mark.parametrize("provider", KNOWN, ids=lambda each: each.id)
def test_no_record_has_a_gap_and_no_step_is_empty(settings, provider):
    found = guide(settings, provider, sender(provider))

    for step in found.steps:
        assert step.title and (step.items or step.rows or step.text), step
        assert not [row for row in step.rows if "{" in row.value], step
    assert dict(found.facts)["Relay"]


@pytest.mark.parametrize(
    "provider",
    [each for each in KNOWN if each.allow_list],
    ids=lambda each: each.id,
)
def test_an_allow_list_has_our_addresses(settings, provider):
    step = steps_of(settings, provider.id)["allow"]

    assert {row.value for row in step.rows} >= set(OURS)
    assert any(", ".join(OURS) in item for item in step.items) or provider.id in (
        "microsoft365",  # conditional access: no address is typed there
    )


def test_a_relay_that_knows_us_by_address_wants_no_password(settings):
    steps = steps_of(settings, "google_workspace_relay")

    assert steps["allow"].title == "Allow our addresses at the relay"
    assert "create" not in steps


def test_the_connector_s_spf_holds_our_addresses(settings):
    rows = steps_of(settings, "microsoft365_connector")["spf"].rows

    assert rows[2].value == (
        "v=spf1 include:spf.protection.outlook.com ip4:198.51.100.24"
        " ip6:2001:db8:40::24 ~all"
    )
    assert rows[0].value == "mail.harbour.example"


def test_azure_s_spf_ends_as_azure_wants_it(settings):
    rows = steps_of(settings, "azure_communication_services")["spf"].rows

    assert rows[2].value.endswith(" -all")


@pytest.mark.parametrize(
    ("provider_id", "region", "record"),
    [
        ("hetzner", None, "v=spf1 a mx ~all"),
        ("ionos", "us", "v=spf1 include:_spf-us.ionos.com ~all"),
        ("ionos", "de", "v=spf1 include:_spf-eu.ionos.com ~all"),
    ],
)
def test_spf_is_that_of_the_region_or_of_the_usual_host(
    settings, provider_id, region, record
):
    spf = steps_of(settings, provider_id, region=region)["spf"]

    assert record in [row.value for row in spf.rows]


def test_fixed_selectors_are_records_to_paste(settings):
    rows = steps_of(settings, "mailtrap")["dkim"].rows

    assert [row.value for row in rows if row.name == "Name"] == [
        "rwmt1._domainkey.mail.harbour.example",
        "rwmt2._domainkey.mail.harbour.example",
    ]
    assert rows[2].value == "rwmt1.dkim.smtp.mailtrap.live"


def test_what_only_the_console_knows_is_said_so(settings):
    step = steps_of(settings, "amazon_ses")["dkim"]

    assert step.rows == ()
    assert "3 CNAME records" in step.text[0]


def test_a_return_path_is_filled_in_for_the_region(settings):
    rows = steps_of(settings, "amazon_ses", region="eu-west-1")["return-path"].rows

    assert rows[0].value == "bounce.mail.harbour.example"
    assert rows[2].value == "10 feedback-smtp.eu-west-1.amazonses.com"


def test_oauth_lists_what_an_administrator_registers(settings):
    step = steps_of(settings, "gmail")["create"]

    assert any("consent screen" in item for item in step.items)
    assert {row.name: row.value for row in step.rows} == {
        "Scope": "https://mail.google.com/",
        "Redirect URI": "https://portal.example.org/oauth/callback",
    }


def test_low_confidence_is_said(settings):
    provider = CATALOGUE.get("brevo")
    step = steps_of(settings, "brevo")["allow"]

    assert provider.confidence["allow_list"] == "low"
    assert step.unsure
    facts = dict(guide(settings, provider, sender(provider)).facts)
    assert facts["A day"] == "free plan 300 (documented, may differ)"


def test_addresses_that_nobody_wrote_down_are_asked_for(settings):
    silent = dataclasses.replace(settings, egress_ips=(), egress_host=None)
    provider = CATALOGUE.get("google_workspace_relay")

    found = guide(silent, provider, sender(provider))

    assert "Ask us for the addresses" in found.steps[0].notes[-1]

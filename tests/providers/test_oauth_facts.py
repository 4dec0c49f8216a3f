"""What the catalogue says of OAuth 2.0 fits the fields that it fills."""

from __future__ import annotations

import pytest

from portal.providers.catalogue import Catalogue
from portal.services import knowledge
from portal.services.senders import grammar

CATALOGUE = Catalogue.load()
WITH_OAUTH = [each for each in CATALOGUE.all() if each.oauth]
ADDRESSES = [
    address
    for each in WITH_OAUTH
    for place in (each.oauth, *each.oauth.clouds)
    for address in (place.token_url, place.authorize_url)
]


def test_whoever_offers_oauth_says_how_and_whoever_says_how_offers_it():
    offers = {each.id for each in CATALOGUE.all() if "oauth2" in each.auth_methods}

    # An own server's addresses are its owner's to type.
    assert {each.id for each in WITH_OAUTH} == offers - {"generic_smtp"}
    assert {"microsoft365", "gmail", "google_workspace_relay", "yahoo"} <= offers


@pytest.mark.parametrize("address", ADDRESSES)
def test_each_address_is_one_that_a_sender_may_have(address):
    filled = address.replace("{tenant}", "contoso.example")

    assert grammar.https_url(filled) == filled


@pytest.mark.parametrize("provider", WITH_OAUTH, ids=lambda each: each.id)
def test_each_grant_has_a_scope_and_steps(provider):
    for place in (provider.oauth, *provider.oauth.clouds):
        assert set(provider.oauth.grants) == set(place.scopes)
        for scope in place.scopes.values():
            assert grammar.scope(scope) == scope
    assert set(provider.oauth.grants) == set(provider.oauth.steps)
    assert provider.oauth.sasl in provider.mechanisms


def test_a_grant_that_asks_a_person_gets_a_refresh_token():
    microsoft, google = CATALOGUE.get("microsoft365"), CATALOGUE.get("gmail")

    assert "offline_access" in microsoft.oauth.scopes["refresh_token"]
    for cloud in microsoft.oauth.clouds:
        assert "offline_access" in cloud.scopes["refresh_token"]
    assert google.oauth.authorize_with["access_type"] == "offline"


def test_microsoft_leads_to_oauth_and_says_why():
    microsoft = CATALOGUE.get("microsoft365")

    assert microsoft.auth_methods == ("oauth2", "password")
    assert "December 2026" in microsoft.card_line
    assert "December 2026" in microsoft.secret_hint
    assert {cloud.host for cloud in microsoft.oauth.clouds} == {
        "smtp.office365.us",
        "smtp.partner.outlook.cn",
    }


def test_a_preset_of_another_grant_has_its_own_scope_and_consent_page():
    facts = CATALOGUE.get("microsoft365").oauth

    robot = knowledge.oauth_preset(facts)
    person = knowledge.oauth_preset(facts, "refresh_token")

    assert robot["grant"] == "client_credentials"
    assert "authorize_url" not in robot
    assert person["scope"].startswith("https://outlook.office.com/SMTP.Send")
    assert person["authorize_url"].endswith("/authorize")

"""What each provider expects in the DNS, and the pace that keeps to its limits."""

from __future__ import annotations

import re

import pytest

from portal.providers.catalogue import Catalogue
from portal.services import knowledge

CATALOGUE = Catalogue.load()
KNOWN = [each for each in CATALOGUE.all() if each.id != "sandbox"]
TERM = re.compile(r"[+?~-]?(include:|redirect=|a$|mx$|ip4:|ip6:)")


@pytest.mark.parametrize("provider", KNOWN, ids=lambda each: each.id)
def test_every_provider_says_what_it_expects_and_how_sure_that_is(provider):
    for part in ("spf", "dkim", "return_path"):
        assert getattr(provider, part) is not None, part
        assert provider.confidence[part] in ("high", "medium", "low")


@pytest.mark.parametrize("provider", KNOWN, ids=lambda each: each.id)
def test_what_spf_asks_for_can_be_published(provider):
    spf = provider.spf

    assert all(TERM.match(term) for term in (*spf.includes, *spf.accept))
    if spf.required_at_from_domain is True:
        assert spf.includes or spf.also_required or spf.notes


@pytest.mark.parametrize("provider", KNOWN, ids=lambda each: each.id)
def test_a_fixed_selector_is_named_and_a_dashboard_s_can_be_told(provider):
    dkim = provider.dkim

    if dkim.selector_source == "fixed":
        assert dkim.selectors
    if dkim.selector_source == "dashboard" and provider.id != "forward_email":
        assert dkim.selector_pattern or dkim.selectors_common
    if dkim.record_type == "CNAME":
        assert dkim.targets
    if dkim.record_type == "none":
        assert not dkim.all_required


def test_ses_needs_all_three_records_at_names_of_its_own():
    dkim = CATALOGUE.get("amazon_ses").dkim

    assert (dkim.selector_count, dkim.all_required) == (3, True)
    assert dkim.targets == ("{token}.dkim.amazonses.com",)
    assert re.match(dkim.selector_pattern, "a" * 32)


def test_a_return_path_of_one_s_own_has_its_records():
    path = CATALOGUE.get("amazon_ses").return_path

    assert path.host_example == "bounce.{domain}"
    assert [(each.type, each.value) for each in path.records] == [
        ("MX", "10 feedback-smtp.{region}.amazonses.com"),
        ("TXT", "v=spf1 include:amazonses.com ~all"),
    ]


def test_a_condition_stands_in_words():
    required = CATALOGUE.get("gmail").spf.required_at_from_domain

    assert required == "custom domains only"


@pytest.mark.parametrize(
    ("provider_id", "pace"),
    [
        (
            "microsoft365",
            {"max_connections": 3, "per_minute": 30, "per_day": 10000},
        ),
        ("ovh", {"per_hour": 200}),
        ("yahoo", {"per_day": 500}),
        ("forward_email", {"per_day": 300}),
        ("gmail", {}),  # it depends on the account
        ("sendgrid", {}),  # ten thousand connections are no limit to us
    ],
)
def test_documented_limits_are_the_pace_of_a_new_sender(provider_id, pace):
    assert CATALOGUE.get(provider_id).limits.pacing == pace
    preset = knowledge.preset(CATALOGUE, provider_id)
    assert preset.values.get("pacing", {}) == pace

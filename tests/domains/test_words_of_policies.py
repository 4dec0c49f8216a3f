"""What the report says of policies, of keys, and of who sees them otherwise."""

from __future__ import annotations

import pytest

from portal.services.reasons.older import older
from portal.services.reasons.words import reason, words_of


@pytest.mark.parametrize(
    ("policy", "pct", "end"),
    [
        (None, 100, "see no policy."),
        ("reject", 100, "apply p=reject to what does not align."),
        ("reject", 20, "apply p=reject to 20 % of what does not align."),
        ("none", 20, "apply p=none to what does not align."),
    ],
)
def test_what_receivers_of_before_make_of_it(policy, pct, end):
    said = older({"rfc7489": {"policy": policy, "pct": pct, "organization": "a.test"}})

    assert said == f"Receivers that still go by RFC 7489 {end}"


@pytest.mark.parametrize(
    ("spf", "did", "end"),
    [
        (False, True, "align; to them this mail aligns."),
        (True, False, "align; to them this mail does not."),
        (True, True, "align."),
        (False, None, "align."),
    ],
)
def test_whether_mail_aligns_to_them_is_said_where_it_differs(spf, did, end):
    before = {"policy": "reject", "pct": 100, "aligned": did}

    said = older({"rfc7489": before, "aligned": {"dkim": False, "spf": spf}})

    assert said is not None and said.endswith(end)


def test_nothing_is_said_where_all_receivers_agree():
    assert older({"rfc7489": None}) is None
    assert older({}) is None


@pytest.mark.parametrize(
    ("dkim", "spf", "end"),
    [
        (None, True, " and the mail of this sender aligns"),
        (None, False, "; nobody knows yet whether this mail aligns"),
        (False, False, ""),
    ],
)
def test_only_mail_that_aligns_is_said_to(dkim, spf, end):
    facts = {"effective_policy": "reject", "aligned": {"dkim": dkim, "spf": spf}}
    filled = words_of(facts, domain="shop.example", provider="Postmark", where="x")

    assert reason("dmarc_ok", filled).phrase == f"a policy is in force (p=reject){end}"


def test_only_aliases_that_lead_wrong_are_named():
    sound = {"selector": "a", "aliases": ["one.test"], "reasons": []}
    wrong = {
        "selector": "b",
        "aliases": ["two.test"],
        "reasons": ["dkim_cname_wrong_target"],
    }
    filled = words_of(
        {"selectors": [sound, wrong]}, domain="shop.example", provider="P", where="x"
    )

    said = reason("dkim_cname_wrong_target", filled).title
    assert said.endswith("than P expects: two.test")


def test_the_keys_that_are_not_there_are_named():
    weak = {"selector": "a", "reasons": ["dkim_key_weak"]}
    gone = {"selector": "b", "reasons": ["dkim_revoked"]}
    filled = words_of(
        {"selectors": [weak, gone]}, domain="shop.example", provider="P", where="x"
    )

    said = reason("dkim_partial", filled).title
    assert said == "Some of the keys are there, but not that of b"


def test_a_policy_names_the_mail_servers_that_it_forgot():
    filled = words_of(
        {"unnamed": ["b.shop.example"]}, domain="shop.example", provider=None, where="x"
    )

    assert reason("mta_sts_mx_mismatch", filled).title.endswith(": b.shop.example")

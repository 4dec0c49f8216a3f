"""The words of a report: every reason has some, and the sentence says what it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import portal.deliverability
from portal.deliverability.types import Check, CheckName, Status
from portal.services.domains.showing import kept, shown
from portal.services.domains.verdict import verdict
from portal.services.reasons.words import (
    expected,
    known_reasons,
    label,
    reason,
    rules,
    words_of,
)

REASON = re.compile(rf'"((?:{"|".join(CheckName)}|dns)_[a-z0-9_]+)"')
KNOWN = {"dmarc": {"status": "fail", "title": "T", "at": "2026-11-20T08:00:00+00:00"}}


def all_reasons():
    """As the checks themselves write them."""
    folder = Path(portal.deliverability.__file__).parent
    texts = [path.read_text(encoding="utf-8") for path in folder.rglob("*.py")]
    return {found for text in texts for found in REASON.findall(text)}


def view(check, status, reasons, **more):
    made = Check(check=CheckName(check), status=status, reasons=reasons, **more)
    return shown(kept(made), domain="shop.example", provider="Postmark", known=KNOWN)


GREEN = [
    view("from_domain", Status.PASS, ("from_domain_ok",)),
    view("spf", Status.PASS, ("spf_ok",)),
    view("dkim", Status.PASS, ("dkim_ok",)),
    view("dmarc", Status.PASS, ("dmarc_ok",)),
    view("mx", Status.PASS, ("mx_ok",)),
]
P_NONE = view("dmarc", Status.WARN, ("dmarc_policy_none",))
NO_MX = view("mx", Status.FAIL, ("mx_missing",))
BAD_MX = view("mx", Status.FAIL, ("mx_points_to_ip",))
NO_KEY = view("dkim", Status.FAIL, ("dkim_missing",))
NO_DMARC = view("dmarc", Status.FAIL, ("dmarc_missing",))
WHO = view("dkim", Status.WARN, ("dkim_selector_unknown",))
LATE = view("dane", Status.UNKNOWN, ("dns_timeout",), facts={"name": "mx.example"})
BY_SPF = view(
    "dmarc", Status.PASS, ("dmarc_ok",), facts={"aligned": {"dkim": None, "spf": True}}
)
NO_VENDOR = view(
    "dmarc",
    Status.UNKNOWN,
    ("dns_timeout",),
    facts={"name": "x._report._dmarc.vendor.example", "aligned": {"dkim": True}},
)


def but(*others):
    names = {each.check for each in others}
    return [*(each for each in GREEN if each.check not in names), *others]


def test_every_reason_that_a_check_can_give_has_words():
    assert all_reasons() - known_reasons() == set()


@pytest.mark.parametrize("id_", sorted(known_reasons()))
@pytest.mark.parametrize(
    "facts",
    [
        {},
        {
            "host": "shop.example",
            "lookups": 11,
            "void": ["a:gone.example"],
            "selectors": [{"selector": "s1", "bits": 1024, "aliases": ["k.example"]}],
            "said": "HTTP 404",
            "chosen_by": "provider",
        },
    ],
)
def test_no_gap_is_left_in_any_sentence(id_, facts):
    """With all that is known filled in, and with nothing."""
    filled = words_of(facts, domain="shop.example", provider=None, where="shop.example")

    words = reason(id_, filled)

    assert "{" not in f"{words.title}{words.why}{words.remedy}"
    assert words.why.endswith(".")
    assert not words.title.endswith(".")


@pytest.mark.parametrize(
    ("status", "checks", "sentence"),
    [
        (Status.PASS, GREEN, "Gmail and Outlook will accept {mail}."),
        (
            Status.WARN,
            but(P_NONE),
            "Gmail and Outlook will accept {mail}; one thing to improve.",
        ),
        (
            Status.WARN,
            but(P_NONE, BAD_MX, LATE),
            "Gmail and Outlook will accept {mail}; two things to improve; one could"
            " not be checked.",
        ),
        (
            Status.WARN,
            but(P_NONE, NO_MX),
            "Some receivers may refuse {mail} because of Mail servers (MX):"
            " shop.example has no mail server.",
        ),
        (
            Status.WARN,
            but(view("from_domain", Status.WARN, ("from_domain_no_mail_records",))),
            "Some receivers may refuse {mail} because of From domain: shop.example has"
            " neither a mail server nor an address.",
        ),
        (
            Status.FAIL,
            but(NO_MX, NO_KEY, NO_DMARC),
            "Gmail, Yahoo and Outlook may refuse {mail} because of DMARC: there is no"
            " policy, and two more.",
        ),
        (
            Status.FAIL,
            but(NO_KEY, view("tls_rpt", Status.FAIL, ("tls_rpt_syntax",))),
            "Gmail, Yahoo and Outlook may refuse {mail} because of DKIM: there is no"
            " key.",
        ),
        (
            Status.WARN,
            but(LATE, view("dkim", Status.UNKNOWN, ("dns_timeout",))),
            "Nobody can say now whether receivers accept {mail}; DKIM: nobody answered"
            " in time about _domainkey.shop.example.",
        ),
        (
            Status.WARN,
            but(WHO),
            "Whether Gmail and Outlook accept {mail} is open because of DKIM: the name"
            " of the key is not known.",
        ),
        (
            Status.WARN,
            but(WHO, BY_SPF),
            "Gmail and Outlook will accept {mail}; one thing to improve.",
        ),
        (
            Status.WARN,
            but(NO_VENDOR),
            "Gmail and Outlook will accept {mail}; one could not be checked.",
        ),
        (
            Status.WARN,
            but(view("spf", Status.UNKNOWN, ("dns_servfail",))),
            "Nobody can say now whether receivers accept {mail}; SPF: the name server"
            " could not tell (SERVFAIL) about shop.example.",
        ),
        (
            Status.WARN,
            but(view("ptr", Status.FAIL, ("ptr_missing",))),
            "Some receivers may refuse {mail} because of Names of the relay’s addresses"
            " (PTR): an address of the relay has no name.",
        ),
    ],
)
def test_the_verdict_is_one_sentence(status, checks, sentence):
    made = verdict(status, checks, domain="shop.example", provider="Postmark")

    mail = "mail from shop.example through Postmark"
    assert made.sentence == sentence.replace("{mail}", mail)
    assert made.status is status


def test_rules_are_named_once_though_two_reasons_ask_for_them():
    found = rules(CheckName.DKIM, ("dkim_missing", "dmarc_missing"))

    assert len(found) == len(set(found)) == 6


@pytest.mark.parametrize(
    ("check", "reason", "refusal"),
    [
        ("from_domain", "from_domain_ok", "550 5.1.8"),
        ("spf", "dns_timeout", "550 5.7.26"),
        ("dkim", "dkim_ok", "550 5.7.515"),
        ("dmarc", "dmarc_policy_none", "550 5.7.515"),
        ("ptr", "ptr_generic", "550 5.7.25"),
        ("mx", "mx_null", "550 5.7.27"),
        ("blocklist", "blocklist_listed", "550 5.7.1 or 554"),
    ],
)
def test_why_it_matters_has_the_refusal(check, reason, refusal):
    """Of every check that somebody refuses mail for, whatever it found."""
    found = rules(CheckName(check), (reason,))

    assert refusal in {each.refusal for each in found}


def test_nobody_refuses_mail_for_what_is_optional():
    assert rules(CheckName.BIMI, ("bimi_absent",)) == ()


def test_what_stands_in_the_dns_is_bounded_and_plain():
    """A record of 60,000 characters, control characters, a name in a sentence."""
    loud = view(
        "spf",
        Status.FAIL,
        ("spf_syntax_error",),
        found=("x" * 60_000, *["y"] * 100),
        facts={"term": "\x1b[31m" + "z" * 5000, "tree": {"record": "a\0b"}},
    )

    assert len(loud.found) == 20 and len(loud.found[0]) == 2000
    assert "\x1b" not in loud.title and len(loud.title) < 200
    assert loud.facts["tree"]["record"] == "a\ufffdb"


def test_a_word_in_braces_from_the_dns_is_no_gap_to_fill():
    told = view("spf", Status.FAIL, ("spf_syntax_error",), facts={"term": "{domain}"})

    assert told.title == "The record cannot be read: “{domain}”"


def test_what_is_not_known_stands_beside_what_was():
    late = view("dmarc", Status.UNKNOWN, ("dns_timeout",), facts={"name": "_dmarc.x"})

    assert (late.last_known.status, late.where) == (Status.FAIL, "_dmarc.x")
    assert GREEN[3].last_known is None


def test_each_check_has_a_name():
    assert len({label(each) for each in CheckName}) == len(CheckName)


@pytest.mark.parametrize("check", CheckName)
def test_each_check_says_what_it_expects(check):
    filled = words_of({}, domain="shop.example", provider=None, where="shop.example")

    told = expected(check, filled)

    assert told.endswith(".") and "{" not in told


def test_a_name_that_the_provider_alone_knows_shows_no_braces():
    facts = {"host": "em{number}.shop.example"}
    told = view("spf", Status.WARN, ("spf_return_path_missing",), facts=facts)

    assert told.title == "The return path em….shop.example is not set up"
    assert "enter that with the sender" in told.reasons[0].remedy


@pytest.mark.parametrize(
    ("names", "room", "told"),
    [
        ([], None, "shop.example"),
        (["spf.crm.example"], None, "spf.crm.example"),
        (list("abc"), None, "a, b and 1 more"),
        (["a"], "8 addresses", "a; one check has room for 8 addresses"),
    ],
)
def test_a_branch_that_nobody_answers_for_is_named(names, room, told):
    facts = {"unanswered": names, "room_for": room}
    found = words_of(facts, domain="shop.example", provider=None, where="shop.example")

    title = reason("dns_timeout", found).title
    assert title == f"Nobody answered in time about {told}"

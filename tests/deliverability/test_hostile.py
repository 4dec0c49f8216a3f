"""Records that somebody wrote to hurt: whatever they say, they are read, and at once."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.deliverability.dkim import key as dkim
from portal.deliverability.dmarc import record as dmarc
from portal.deliverability.dmarc.reports import reports
from portal.deliverability.spf import terms
from portal.deliverability.spf.judging import check_spf
from portal.deliverability.spf.merging import Change, merged_spf
from portal.deliverability.telling import check_json
from portal.deliverability.types import Subject
from portal.net.reading import LONGEST_TEXT

LONG = LONGEST_TEXT
PIECES = st.sampled_from(
    [
        "v=spf1",
        "v=DKIM1",
        "v=DMARC1",
        ";",
        "=",
        ":",
        "/",
        "//",
        "%",
        "%{",
        "}",
        "%{d5r.}",
        "include:",
        "redirect=",
        "exp=",
        "a",
        "mx",
        "+all",
        "-all",
        "ip4:",
        "ip6:",
        "1.2.3.4",
        "::",
        "p=",
        "k=rsa",
        "h=",
        "t=y",
        "s=",
        "n=",
        "rua=mailto:",
        "!",
        "10m",
        "pct=",
        "",
        "\\",
        '"',
        "\x00",
        "\t",
        "é",
        ".",
        "_",
        "-",
        "99999",
        "AAAA",
    ]
)
RECORDS = st.lists(PIECES, max_size=30).map("".join) | st.text(max_size=300)


def read_all(text):
    if terms.is_spf(text):
        try:
            terms.parse(text)
        except terms.BadRecord as error:
            assert error.term
    dkim.is_key(text)
    dkim.read(text)
    if dmarc.is_dmarc(text):
        dmarc.read(text)
    dmarc.is_meant(text)


@settings(max_examples=400, deadline=None)
@given(RECORDS)
def test_no_text_is_too_odd(text):
    read_all(text)
    read_all(f"v=spf1 {text}")
    read_all(f"v=DKIM1; {text}")
    read_all(f"v=DMARC1; {text}")


@settings(max_examples=200, deadline=None)
@given(RECORDS, RECORDS)
def test_what_is_proposed_can_always_be_evaluated(one, other):
    texts = (f"v=spf1 {one}", f"v=spf1 {other}")

    merged = merged_spf(texts, Change(terms=("include:a.example",)))

    parsed = terms.parse(merged)
    assert "include:a.example" in merged
    assert not any(map(terms.is_open, parsed.mechanisms))


@pytest.mark.parametrize(
    "text",
    [
        "v=spf1 include:." + "a" * LONG + "_",
        "v=spf1 include:" + "a-" * (LONG // 2) + "!",
        "v=spf1 a:%{d" + "9" * LONG + "}.example",
        "v=spf1 a:%{d" + "0" * LONG + "}.example",
        "v=spf1 " + "%{d" * (LONG // 3),
        "v=spf1 ip4:1.2.3.4/" + "9" * LONG,
        "v=spf1" + " " * LONG + "all",
        "v=DKIM1; " + " " * LONG + "p",
        ";" + " " * LONG + "x",
        "v=DKIM1; p=" + "A" * LONG,
        "v=DKIM1; p=MIGf" + "////" * (LONG // 4),
        "v=DMARC1; p=" + " " * LONG + "x",
        "v=DMARC1; " + "p=none;" * (LONG // 7),
        "v=DMARC1; pct=" + "0" * LONG,
        "v=DMARC1" + " " * LONG,
    ],
    ids=lambda text: text[:20],
)
def test_a_long_text_takes_no_time(text):
    began = time.process_time()

    read_all(text)

    assert time.process_time() - began < 0.5


def zone(*lines):
    return {"shop.example": "\n".join(lines)}


def parts(text):
    return " ".join(f'"{text[at : at + 250]}"' for at in range(0, len(text), 250))


def test_a_tree_that_doubles_at_each_level_is_left_in_time(checked):
    """Ten includes, each of ten, each of ten…: 10¹⁰ if somebody walked it."""
    lines = []
    for level in range(10):
        name = "@" if level == 0 else f"l{level}"
        record = "v=spf1 " + f"include:l{level + 1}.shop.example " * 10 + "-all"
        lines.append(f"{name} TXT {parts(record)}")
    began = time.process_time()

    check = checked(zone(*lines), check_spf, Subject(domain="shop.example"))

    assert "spf_too_many_lookups" in check.reasons
    assert time.process_time() - began < 3
    assert len(json.dumps(check_json(check))) < 100_000


def test_a_record_that_names_a_thousand_hosts_asks_for_few(checked):
    record = "v=spf1 " + " ".join(f"a:h{n}.shop.example" for n in range(500)) + " -all"

    check = checked(
        zone(f"@ TXT {parts(record)}"), check_spf, Subject(domain="shop.example")
    )

    assert "spf_too_many_lookups" in check.reasons
    assert len(json.dumps(check_json(check))) < 100_000


@pytest.mark.parametrize(
    "rua",
    ["https://[bad", "mailto:%00@x", "mailto:" + "a" * 5000, ":", "mailto:@", "é:"],
)
def test_an_odd_address_of_reports_is_no_trouble(checked, rua):
    record = dmarc.read(f"v=DMARC1; p=none; rua={rua}")

    found = checked(zone("www A 192.0.2.1"), reports, record, "shop.example").reasons

    assert set(found) <= {
        "dmarc_rua_invalid",
        "dmarc_rua_not_mailto",
        "dmarc_rua_external_unauthorised",
    }
    assert found


def test_more_mail_hosts_than_a_receiver_looks_at(checked):
    hosts = [f"many MX {n} h{n}" for n in range(12)]
    lines = ['@ TXT "v=spf1 mx:many.shop.example -all"', *hosts]

    check = checked(zone(*lines), check_spf, Subject(domain="shop.example"))

    assert check.reasons[0] == "spf_too_many_lookups"
    assert check.facts["crowded"] == ["mx:many.shop.example"]

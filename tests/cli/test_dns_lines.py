"""What a terminal is told of one check, beside its reasons."""

from __future__ import annotations

from portal.cli.dns_lines import lines
from portal.deliverability.types import Check, CheckName, Report, Status


def told(facts):
    check = Check(
        check=CheckName.DMARC, status=Status.PASS, reasons=("dmarc_ok",), facts=facts
    )
    made = Report(
        domain="shop.example", provider=None, status=Status.PASS, checks=(check,)
    )
    return " ".join(" ".join(lines(made, None)).split())


def test_what_receivers_of_before_see_is_told_where_it_differs():
    before = {"policy": "reject", "organization": "shop.example", "pct": 100}

    said = told({"effective_policy": "quarantine", "rfc7489": before})

    assert "go by RFC 7489 apply p=reject to what does not align." in said
    assert "RFC 7489" not in told({"effective_policy": "reject", "rfc7489": None})

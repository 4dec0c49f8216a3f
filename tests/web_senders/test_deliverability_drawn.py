"""The tree of look-ups and the days as bars, as they are drawn."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

import pytest

from portal.deliverability.types import CheckName, Status
from portal.services.domains import Verdicts
from portal.web.deliverability_chart import bars, numbers, sentence
from portal.web.deliverability_tree import tree


def node(domain: str, record: str | None, *below: Any, **more: Any) -> dict[str, Any]:
    told = {"term": f"include:{domain}", "state": "ok", "lookups": len(below)}
    return {**told, "domain": domain, "record": record, "branches": below, **more}


def test_terms_stand_in_their_order_with_what_they_cost():
    record = "v=spf1 ip4:192.0.2.1 ip4:192.0.2.2 include:a.example mx -all"

    drawn = tree(node("shop.example", record, node("a.example", "v=spf1 -all")))

    assert [(each.words, each.lookups) for each in drawn.branches] == [
        ("ip4:192.0.2.1 ip4:192.0.2.2", 0),
        ("include:a.example", 1),
        ("mx", 1),
        ("-all", 0),
    ]


def test_the_branch_that_costs_most_is_named():
    heavy = node("a.example", "v=spf1 -all", lookups=6)
    light = node("b.example", "v=spf1 -all")
    record = "v=spf1 include:a.example include:b.example -all"

    drawn = tree(node("shop.example", record, heavy, light))

    assert [each.heaviest for each in drawn.branches] == [True, False, False]


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("none", "no SPF record there"),
        ("loop", "leads back to itself"),
        ("unknown", "nobody answered"),
        ("syntax", "no receiver can read it"),
    ],
)
def test_a_branch_that_is_no_use_says_why(state: str, words: str):
    below = node("a.example", None, state=state)

    drawn = tree(node("shop.example", "v=spf1 include:a.example -all", below))

    assert (drawn.branches[0].trouble, drawn.branches[0].state) == (words, "warn")


def test_a_redirect_that_is_never_reached_costs_nothing():
    """RFC 7208 §6.1: beside `all` it is not looked at."""
    drawn = tree(node("shop.example", "v=spf1 -all redirect=a.example"))

    assert [each.words for each in drawn.branches] == ["-all"]


def day(number: int, *statuses: Status) -> Verdicts:
    return Verdicts(
        day=date(2026, 11, number),
        at=datetime(2026, 11, number, 8, tzinfo=UTC),
        status=statuses[0],
        statuses=dict(zip(CheckName, statuses, strict=False)),
        changes=(),
    )


def test_a_day_is_a_bar_with_the_worst_at_its_foot():
    days = (day(1, Status.PASS, Status.PASS), day(2, Status.FAIL, Status.INFO))

    drawn = str(bars(days))

    assert drawn.count('data-series="pass"') == 1
    assert 'data-series="fail" x="11" y="50.0"' in drawn
    assert "info" not in drawn
    assert sentence(days) == (
        "Verdicts of 2 days: 1 day all in order, 1 day with something to mend."
    )
    assert [numbers(each) for each in days] == [(0, 0, 0, 2), (1, 0, 0, 0)]


def test_a_day_without_a_look_stays_empty():
    drawn = str(bars((day(1, Status.PASS), day(4, Status.PASS))))

    assert re.findall(r' x="(\d+)"', drawn) == ["1", "31"]

"""What the tab of a domain shows: rows in the order of their urgency, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from itertools import groupby, islice
from typing import Any

from markupsafe import Markup

from portal.deliverability.types import CheckName, Status
from portal.services.domains import Change, CheckView, DomainView, Verdicts
from portal.services.reasons.older import older
from portal.store.fields import now
from portal.web import deliverability_chart
from portal.web.deliverability_tree import Branch, tree

_POOR = (Status.FAIL, Status.WARN, Status.UNKNOWN)
_URGENCY = (*_POOR, Status.PASS, Status.INFO)
WORDS = {
    Status.PASS: "In order",
    Status.WARN: "To improve",
    Status.FAIL: "To mend",
    Status.UNKNOWN: "Could not check",
    Status.INFO: "Optional",
}
_LISTED = {
    "clean": ("pass", "not on it"),
    "listed": ("fail", "on it"),
    "refused": ("info", "does not answer us"),
    "everybody": ("info", "has every address"),
    "no_list": ("info", "is no list, or none any more"),
    "": ("unknown", "no answer"),
}
_ASKS_FOR = {
    "dkim_selector_unknown": ("selectors", "Enter the selector"),
    "spf_return_path_missing": ("return_path", "Enter another return path"),
}
_ADDRESS = "{address of the relay}"  # of a record that cannot be written yet
_NAMED = {"spf_lookups_near_limit": "Near its limit"}
_ABSENT = ("_missing", "_nxdomain", "_return_path_missing")
MOST_DAYS = 30
MOST_CHANGES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One check of the table. `is_open`: its records stand there without a click."""

    view: CheckView
    word: str
    tree: Branch | None
    is_open: bool

    @property
    def id(self) -> str:
        return str(self.view.check)

    @property
    def older(self) -> str | None:
        """Of DMARC, what receivers of before make of it, where that differs."""
        return older(self.view.facts)

    @property
    def lookups(self) -> tuple[str, str] | None:
        """State and words of the look-ups of SPF (RFC 7208 §4.6.4)."""
        used = self.view.facts.get("lookups")
        if not isinstance(used, int):
            return None
        state = "fail" if used > 10 else "warn" if used >= 9 else "pass"
        return state, f"{used} of 10 look-ups"

    @property
    def addresses(self) -> tuple[tuple[str, str, str], ...]:
        """Of an own relay, each with its name, or what a block list says of it."""
        facts = self.view.facts
        lists, names = facts.get("lists"), facts.get("addresses")
        if isinstance(lists, dict):
            said = lists.items()
            return tuple((which, *_LISTED.get(s, _LISTED[""])) for which, s in said)
        if isinstance(names, dict):
            return tuple((ip, *_named(told)) for ip, told in names.items())
        return ()

    @property
    def found(self) -> tuple[str, ...]:
        """Of the From domain, which kinds of records there are."""
        if self.view.check is not CheckName.FROM_DOMAIN:
            return self.view.found
        return self.view.found or tuple(self.view.facts.get("records") or ())

    @property
    def asks_for(self) -> tuple[str, str] | None:
        """The field of the sender without which the check can say little."""
        if any(_ADDRESS in each.value for each in self.view.fixes):
            return "relay_ips", "Enter the addresses of the relay"
        ids = {each.id for each in self.view.reasons}
        return next((v for k, v in _ASKS_FOR.items() if k in ids), None)

    @property
    def void(self) -> str:
        """RFC 7208 §4.6.4 allows two."""
        many = self.view.facts.get("void_lookups") or 0
        leads = "leads" if many == 1 else "lead"
        return f", {many} of them {leads} to nothing" if many else ""


@dataclass(frozen=True, kw_only=True)
class DomainPage:
    """Everything is read already. `error`: why no check was begun."""

    slug: str
    view: DomainView
    may_change: bool
    error: str = ""

    def with_error(self, sentence: str) -> DomainPage:
        return replace(self, error=sentence)

    def ends_what(self, was: str) -> bool:
        """Whoever saw it run sees the end of it now."""
        return was == "running" and not self.view.running

    @property
    def url(self) -> str:
        return f"{self.sender_url}/deliverability"

    @property
    def sender_url(self) -> str:
        return f"/t/{self.slug}/senders/{self.view.sender_id}"

    @property
    def report_url(self) -> str:
        return f"{self.url}/report?was=running"

    @property
    def moment(self) -> str:
        """Another at each look, so that the next one is due again."""
        return f"{now():%H%M%S%f}"

    @property
    def state(self) -> str:
        if self.view.running:
            return "running"
        return str(self.view.verdict.status) if self.view.verdict else "draft"

    @property
    def next_at(self) -> datetime | None:
        """The next look of the watch; none that is due already."""
        at = self.view.next_at
        return at if at and at > now() else None

    @property
    def poor(self) -> bool:
        """Something is not in order: a resolver may only remember what was."""
        return any(each.status in _POOR for each in self.view.checks)

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        ordered = sorted(self.view.checks, key=lambda each: _URGENCY.index(each.status))
        return tuple(_row(each) for each in ordered)

    @property
    def others(self) -> tuple[tuple[str, tuple[CheckView, ...]], ...]:
        """What is not in order beside what the verdict names, by its urgency."""
        about = self.view.verdict.about if self.view.verdict else None
        views = (row.view for row in self.rows if row.view.check is not about)
        found = groupby(
            (each for each in views if each.status in _POOR or each.is_left_open),
            key=lambda each: Status.UNKNOWN if each.is_left_open else each.status,
        )
        return tuple((WORDS[status], tuple(checks)) for status, checks in found)

    @cached_property
    def days(self) -> tuple[Verdicts, ...]:
        """The last weeks up to the latest, as far as anybody looked."""
        told = self.view.history
        return tuple(d for d in told if (told[-1].day - d.day).days < MOST_DAYS)

    @property
    def bars(self) -> Markup:
        return deliverability_chart.bars(self.days)

    @property
    def legend(self) -> tuple[tuple[str, str], ...]:
        return deliverability_chart.LEGEND

    @property
    def table(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """The bars in numbers, the latest first."""
        chart = deliverability_chart
        return tuple((chart.dated(d), chart.numbers(d)) for d in reversed(self.days))

    @property
    def changed(self) -> tuple[tuple[datetime, tuple[Change, ...]], ...]:
        """The latest first, those of one report together."""
        every = [each for day in self.view.history for each in day.changes]
        reports = groupby(reversed(every), key=lambda each: each.at)
        found = ((at, tuple(reversed(list(changes)))) for at, changes in reports)
        return tuple(islice(found, MOST_CHANGES))

    @property
    def elsewhere(self) -> tuple[tuple[str, str], ...]:
        """Pages that look at the same domain and know nothing of us."""
        domain = self.view.domain
        return (
            ("internet.nl", f"https://internet.nl/mail/{domain}/"),
            ("MXToolbox", f"https://mxtoolbox.com/emailhealth/{domain}/"),
        )


def _named(told: Mapping[str, Any]) -> tuple[str, str]:
    """How an address is named, and whether that is in order."""
    names, reasons = ", ".join(told["names"][:3]), told["reasons"]
    if "ptr_missing" in reasons:
        return "fail", "no name"
    if "ptr_not_forward_confirmed" in reasons:
        return "fail", f"{names}, which does not lead back"
    if any(each.startswith("dns_") for each in reasons):
        return "unknown", "no answer"
    return ("warn" if reasons else "pass"), names


def _row(view: CheckView) -> Row:
    main = view.reasons[0].id if view.reasons else ""
    absent = view.status is Status.FAIL and main.endswith(_ABSENT)
    told = view.facts.get("tree") if view.check is CheckName.SPF else None
    return Row(
        view=view,
        word="Missing" if absent else _NAMED.get(main, WORDS[view.status]),
        tree=tree(told) if isinstance(told, dict) else None,
        is_open=view.status in (Status.FAIL, Status.WARN),
    )

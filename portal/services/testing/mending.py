"""Repairs of a failed test: which to try, and what became of that in its row."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from portal.config import Settings
from portal.diagnosis.types import Diagnosis, Repair
from portal.diagnosis.words import repair_json
from portal.services.proving import MOST_OFFERED
from portal.services.repairs import Case, is_triable, offered
from portal.store.database import transaction
from portal.store.models import LiveTest

# The probes of a test end sooner; whoever has them longer is gone.
TRIED_WITHIN = timedelta(seconds=15)
CHECKING = "checking"
_NOBODY = ("", "[127.0.0.1]")  # no relay knows us by these


@dataclass(frozen=True, slots=True, kw_only=True)
class Mending:
    """What is to be tried for one test, now that its outcome is written."""

    test_id: int
    case: Case = field(repr=False)
    repairs: tuple[Repair, ...]


def mending(test_id: int, case: Case, diagnosis: Diagnosis | None) -> Mending | None:
    """None where there is no repair, or none that a probe could tell of."""
    repairs = offered(diagnosis, case) if diagnosis else ()
    if not any(map(is_triable, repairs)):
        return None
    return Mending(test_id=test_id, case=case, repairs=repairs)


def at_once(case: Case, diagnosis: Diagnosis) -> tuple[Repair, ...]:
    """Those to show with the outcome: none while some are being tried, so that none
    changes its place under somebody's finger."""
    repairs = offered(diagnosis, case)
    return () if any(map(is_triable, repairs)) else repairs[:MOST_OFFERED]


def mended(test_id: int, repairs: tuple[Repair, ...]) -> None:
    """What is offered in the end."""
    shown = [repair_json(each) for each in repairs[:MOST_OFFERED]]
    with transaction():
        test = LiveTest.get_or_none(LiveTest.id == test_id)
        if test is None or not (test.outcome or {}).get(CHECKING):
            return
        outcome = dict(test.outcome)
        outcome.pop(CHECKING)
        for kept in (outcome, outcome.get("for_owners") or {}):
            _put(kept, shown)
        LiveTest.update(outcome=outcome).where(LiveTest.id == test_id).execute()


def ehlo_names(settings: Settings) -> tuple[str, ...]:
    """What this machine may call itself, the operator's word first (RFC 5321
    §4.1.1.1: a name, or else an address literal)."""
    names = [settings.ehlo_name, settings.egress_host or ""]
    for address in settings.egress_ips:
        names.append(f"[IPv6:{address}]" if ":" in address else f"[{address}]")
    return tuple(each for each in dict.fromkeys(names) if each not in _NOBODY)


def _put(kept: dict[str, Any], repairs: list[dict[str, Any]]) -> None:
    if kept.get("diagnosis"):
        kept["diagnosis"] = {**kept["diagnosis"], "repairs": repairs}

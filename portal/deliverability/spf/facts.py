"""What a report tells of an SPF tree besides its reasons, as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from portal.deliverability.spf.authorising import expected
from portal.deliverability.spf.faults import unreachable
from portal.deliverability.spf.tree import Node, State
from portal.deliverability.telling import LONGEST
from portal.deliverability.types import Subject

LONGEST_TERM = 200  # characters that are told
MOST_TERMS = 20
_BELOW = {
    "without_record": State.NONE,
    "in_a_circle": State.LOOP,
    "unreadable": State.SYNTAX,
    "with_several": State.MULTIPLE,
    "unanswered": State.UNKNOWN,
}


def facts_of(subject: Subject, top: Node) -> dict[str, Any]:
    """Counts and picture only where there is a record that can be evaluated."""
    told: dict[str, Any] = {
        "evaluated_at": expected(subject).evaluated_at,
        "host": top.domain,
    }
    faulty = next((each for each in top.all_below if each.bad_term), None)
    if faulty:
        told["term"] = (faulty.bad_term or "")[:LONGEST_TERM]
    return told if top.parsed is None else told | _counted(top) | _below(top)


def _counted(top: Node) -> dict[str, Any]:
    behind = unreachable(top.parsed) if top.parsed else ()
    branches = [child for child in top.children if child.lookups]
    heaviest = max(branches, key=lambda child: child.lookups, default=None)
    return {
        "lookups": top.lookups,
        "void_lookups": len(top.void),
        "void": _short(top.void),
        "crowded": _short(top.crowded),
        "unreachable": _short(behind[:MOST_TERMS]),
        "heaviest": heaviest and heaviest.domain,
        "tree": _as_json(top),
    }


def _below(top: Node) -> dict[str, Any]:
    """The names of branches that something is wrong with; `name`: nobody tells of it."""
    nodes = list(top.all_below)
    told: dict[str, Any] = {
        word: _short(dict.fromkeys(n.domain for n in nodes if n.state is state))
        for word, state in _BELOW.items()
    }
    told["unanswered"] += _short(name for node in nodes for name, _ in node.lost)
    return told | {"name": next(iter(told["unanswered"]), None)}


def _short(texts: Iterable[str]) -> list[str]:
    return [each[:LONGEST_TERM] for each in texts]


def _as_json(node: Node) -> dict[str, Any]:
    """One branch of the picture on the page."""
    return {
        "domain": node.domain,
        "term": node.term and node.term[:LONGEST_TERM],
        "state": node.state.value,
        "record": node.texts[0][:LONGEST] if len(node.texts) == 1 else None,
        "fault": node.bad_term and node.bad_term[:LONGEST_TERM],
        "lookups": node.lookups,
        "branches": [_as_json(child) for child in node.children],
    }

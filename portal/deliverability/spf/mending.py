"""The records that mend an SPF tree: one a name, in the zones of its own people.

What stands elsewhere is not theirs to change: the term that leads there goes, unless
it is the provider's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from portal.deliverability.spf.faults import is_within, lets_all_in, own_records
from portal.deliverability.spf.merging import Change, merged_spf
from portal.deliverability.spf.terms import LOOKED_UP, Mechanism, is_open
from portal.deliverability.spf.tree import Node, State, evaluated

_BROKEN = (State.NONE, State.LOOP, State.MULTIPLE, State.SYNTAX)
IsWanted = Callable[[str], bool]  # a term of the provider, which stays whatever it is


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """`texts` of `name` are to be one: `value`, which `is_costly` where receivers
    would have to look too much up."""

    name: str
    texts: tuple[str, ...]
    value: str
    is_costly: bool = False


def mended(
    top: Node,
    wanted: Change,
    is_wanted: IsWanted,
    *,
    is_ended: bool,
    ends_at_all: bool = False,
) -> tuple[Mended, ...]:
    """`wanted` goes into the first record; `is_ended`: its end is as it should be;
    `ends_at_all`: what costs look-ups behind it stays without effect, and goes."""
    found = []
    for node in own_records(top):
        without = tuple(_useless(node, top, is_wanted))
        if ends_at_all:
            without += tuple(_costly_behind_all(node, is_wanted))
        change = replace(wanted, without=(*wanted.without, *without))
        if node is not top:
            change = Change(without=without)
        change = replace(change, unfollowed=not is_ended and _ends_abroad(node, top))
        last = node is top.chain[-1] and not is_ended
        if change != Change() or last or _is_odd(node):
            found.append((node, merged_spf(node.texts, change)))
    return tuple(
        Mended(name=place(node, top), texts=node.texts, value=value)
        for node, value in found
        if (value,) != node.texts
    )


def place(node: Node, top: Node) -> str:
    """An alias into somebody else's zone has to make room for the record."""
    return node.home if is_within(node, top) else node.domain


def _useless(node: Node, top: Node, is_wanted: IsWanted) -> Iterator[str]:
    """Terms that break the evaluation, find nothing, or let everybody in."""
    for child in node.children:
        abroad = not is_within(child, top)
        lost = child.state in (State.NONE, State.LOOP)
        spoils = lost or (abroad and _is_broken(child))
        if spoils and child.term and not is_wanted(child.term):
            yield child.term
    for mechanism in node.own_void():
        if not is_wanted(mechanism.text):
            yield mechanism.text
    for mechanism in _behind_all(node):
        if mechanism.name == "ptr":
            yield mechanism.text


def _costly_behind_all(node: Node, is_wanted: IsWanted) -> Iterator[str]:
    for mechanism in _behind_all(node):
        if mechanism.name in LOOKED_UP and not is_wanted(mechanism.text):
            yield mechanism.text


def _behind_all(node: Node) -> Iterator[Mechanism]:
    """What is there only behind it."""
    if node.parsed is None or node.parsed.all is None:
        return
    before = {each.text.lower() for each in evaluated(node.parsed)}
    for mechanism in node.parsed.mechanisms:
        if mechanism.text.lower() not in before:
            yield mechanism


def _is_broken(child: Node) -> bool:
    if any(node.state in _BROKEN for node in child.all_below):
        return True
    return child.may_pass and any(lets_all_in(node) for node in child.passing)


def _ends_abroad(node: Node, top: Node) -> bool:
    """Whether its redirect leaves what the same people publish."""
    behind = [child for child in node.children if child.is_redirect]
    return node in top.chain and bool(behind) and not is_within(behind[0], top)


def _is_odd(node: Node) -> bool:
    """Wrong by itself, wherever it stands."""
    if node.parsed is None:
        return True
    terms = node.parsed.mechanisms
    return (
        any(is_open(each) for each in terms)
        or len({each.text.lower() for each in terms}) < len(terms)
        or node.parsed.all not in (None, *terms[-1:])
        or (node.parsed.all is not None and node.parsed.redirect is not None)
    )

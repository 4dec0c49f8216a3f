"""What is wrong with the records of an SPF tree, whoever sends: reasons, as values."""

from __future__ import annotations

from collections.abc import Iterator

from portal.deliverability.spf.check_host import MOST_LOOKUPS, MOST_VOID
from portal.deliverability.spf.terms import Parsed, is_open
from portal.deliverability.spf.tree import Node, State, evaluated
from portal.deliverability.suffixes import registered
from portal.deliverability.types import Status
from portal.deliverability.unknowing import reason_of

NEAR_LIMIT = 9
LARGE_OCTETS = 450
ENDS = frozenset({"spf_plus_all", "spf_neutral_all", "spf_no_all"})
_BELOW = {
    State.MULTIPLE: "spf_multiple_records",
    State.SYNTAX: "spf_syntax_error",
    State.LOOP: "spf_loop",
    State.TOO_DEEP: "spf_too_many_lookups",
}

Reason = tuple[str, Status]


def faults(top: Node) -> dict[str, Status]:
    """Of a record that can be read, and of all that it leads to."""
    return dict([*_below(top), *_limits(top), *_ending(top), *_shape(top)])


def _below(top: Node) -> Iterator[Reason]:
    for node in top.all_below:
        if node.state in _BELOW:
            yield _BELOW[node.state], Status.FAIL
        elif node.state is State.UNKNOWN:
            yield reason_of(node.answered), Status.UNKNOWN
        elif node.state is State.NONE:
            which = "redirect" if node.is_redirect else "include"
            yield f"spf_{which}_no_record", Status.FAIL
        yield from ((reason_of(why), Status.UNKNOWN) for _, why in node.lost)


def _limits(top: Node) -> Iterator[Reason]:
    if top.lookups > MOST_LOOKUPS or top.crowded:
        yield "spf_too_many_lookups", Status.FAIL
    elif top.lookups >= NEAR_LIMIT:
        yield "spf_lookups_near_limit", Status.WARN
    if len(top.void) > MOST_VOID:
        yield "spf_too_many_void_lookups", Status.FAIL
    elif top.void:
        yield "spf_void_lookups", Status.WARN


def _ending(top: Node) -> Iterator[Reason]:
    last = top.chain[-1]
    if any(lets_all_in(node) for node in top.passing):
        yield "spf_plus_all", Status.FAIL
    if last.parsed is None or (last.parsed.redirect and not last.parsed.all):
        return  # an end that cannot be read is another fault
    if last.parsed.all is None:
        yield "spf_no_all", Status.WARN
    elif last.parsed.all.qualifier == "?":
        yield "spf_neutral_all", Status.WARN


def lets_all_in(node: Node) -> bool:
    """`+all`, or the same said with a network (RFC 7208 §8.1)."""
    if node.parsed is None:
        return False
    reached = node.parsed.mechanisms[: len(evaluated(node.parsed)) + 1]
    return any(is_open(each) for each in reached)


def _shape(top: Node) -> Iterator[Reason]:
    for node in own_records(top):
        if node.octets >= LARGE_OCTETS:
            yield "spf_large", Status.WARN
        if node.parsed is None:
            continue
        if any(each.name == "ptr" for each in node.parsed.mechanisms):
            yield "spf_ptr_mechanism", Status.WARN
        if unreachable(node.parsed):
            yield "spf_unreachable_terms", Status.WARN


def own_records(top: Node) -> tuple[Node, ...]:
    """Those of the tree that the same people publish, each once, this one first."""
    return tuple(
        {
            node.home: node
            for node in top.all_below
            if node is top or (node.texts and is_within(node, top))
        }.values()
    )


def is_within(node: Node, top: Node) -> bool:
    """Whether the record stands in a zone of the domain that is judged."""
    return registered(node.home) == registered(top.domain)


def unreachable(parsed: Parsed) -> tuple[str, ...]:
    """Terms behind `all`, and a redirect beside it (RFC 7208 §5.1, §6.1)."""
    if parsed.all is None:
        return ()
    behind = parsed.mechanisms[parsed.mechanisms.index(parsed.all) + 1 :]
    redirect = (f"redirect={parsed.redirect}",) if parsed.redirect else ()
    return (*(each.text for each in behind), *redirect)

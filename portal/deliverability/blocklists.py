"""Lists of addresses whose mail is refused (RFC 5782), asked where somebody chose them.

A list shows that it is one by its entries for tests (§5): it has 127.0.0.2, and not
127.0.0.1. One that was given up has nobody any more, or everybody.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum

from portal.deliverability.asking import Asking
from portal.deliverability.rating import ordered, worst
from portal.deliverability.relay_ip import concern
from portal.deliverability.types import Check, CheckName, IPAddress, Status, Subject
from portal.deliverability.unknowing import reason_of
from portal.net.records import Answered, Kind, Records

Pair = tuple[IPAddress, str]  # an address and the zone of a list
Answers = Mapping[str, Records]  # by the name that was asked for

MOST_LISTED = 16  # questions: each address at each list
MOST_WITH_TESTS = 20  # those, and of each list whether it is one
MOST_DOUBTED, MOST_SAID = 4, 2  # and what hangs on the answers
# A list's word for: you may not ask. Of Spamhaus and those like it, and of URIBL's kin.
_REFUSED = re.compile(r"127\.255\.255\.\d+|127\.0\.0\.1")
# The entries for tests, of IPv6 ::FFFF:7F00:2 and ::FFFF:7F00:1 (RFC 5782 §5).
_ALWAYS = {4: "2.0.0.127", 6: "2.0.0.0.0.0.f.7.f.f.f.f" + ".0" * 20}
_NEVER = {4: "1.0.0.127", 6: "1.0.0.0.0.0.f.7.f.f.f.f" + ".0" * 20}


class State(StrEnum):
    """What a list says of an address, where it could be asked."""

    CLEAN = "clean"
    LISTED = "listed"
    REFUSED = "refused"
    EVERYBODY = "everybody"  # whatever address it is
    NO_LIST = "no_list"  # or none any more


_SILENT = {"blocklist_query_refused": Status.INFO}
_REASONS: Mapping[str, dict[str, Status]] = {
    State.CLEAN: {},
    State.LISTED: {"blocklist_listed": Status.FAIL},
    State.REFUSED: _SILENT,
    State.EVERYBODY: _SILENT,
    State.NO_LIST: _SILENT,
}


async def check_blocklists(asking: Asking, subject: Subject) -> Check | None:
    """None: nobody chose a list, or the addresses are not the tenant's own."""
    if not (concern(subject) and subject.blocklists):
        return None
    lists = dict.fromkeys(zone.strip(".") for zone in subject.blocklists)
    pairs = [(ip, zone) for ip in subject.relay_ips for zone in lists]
    answers, texts = await _answers(asking, pairs[:MOST_LISTED])
    told = {pair: _told(pair, answers) for pair in pairs}
    listed = [pair for pair in pairs if told[pair] == State.LISTED]
    reasons = {
        reason: status
        for state in told.values()
        for reason, status in _REASONS.get(state, {state: Status.UNKNOWN}).items()
    }
    return Check(
        check=CheckName.BLOCKLIST,
        status=worst(reasons.values()),
        reasons=ordered(reasons) or ("blocklist_clean",),
        found=tuple(
            f"{ip} {zone} {' '.join(_codes(answers[_name((ip, zone))]))}"
            for ip, zone in listed
        ),
        facts={
            "lists": {f"{ip} {zone}": state for (ip, zone), state in told.items()},
            "untested": _zones(
                pair
                for pair, state in told.items()
                if state == State.CLEAN and _is_absent(answers.get(_test(pair)))
            ),
            "unanswered": _zones(
                pair for pair, state in told.items() if state not in _REASONS
            ),
            "room_for": f"{MOST_LISTED} questions" if pairs[MOST_LISTED:] else None,
            "listings": [
                text
                for pair in listed
                if _name(pair) in texts
                for text in texts[_name(pair)].records[:1]
            ],
        },
    )


async def _answers(asking: Asking, pairs: list[Pair]) -> tuple[Answers, Answers]:
    """Those about the addresses and what they hang on; and what lists say of theirs."""
    tests = list(dict.fromkeys(map(_test, pairs)))[: MOST_WITH_TESTS - len(pairs)]
    first = await _asked(asking, [*map(_name, pairs), *tests])
    listed = [pair for pair in pairs if _read(first[_name(pair)]) == State.LISTED]
    # An absent test entry that a zone above tells of: is there such a list at all?
    gone = [pair[1] for pair in pairs if _is_above(first.get(_test(pair)), pair[1])]
    doubted = list(dict.fromkeys([*map(_never, listed), *gone]))
    more, texts = await asyncio.gather(
        _asked(asking, doubted[:MOST_DOUBTED]),
        _asked(asking, map(_name, listed[:MOST_SAID]), "TXT"),
    )
    return {**first, **more}, texts


async def _asked(
    asking: Asking, names: Iterable[str], kind: Kind = "A"
) -> dict[str, Records]:
    asked = list(names)
    found = await asyncio.gather(*(asking.ask(name, kind) for name in asked))
    return dict(zip(asked, found, strict=True))


def _told(pair: Pair, answers: Answers) -> str:
    """A State, or the reason why nobody knows."""
    answer = answers.get(_name(pair))
    state = _read(answer) if answer else reason_of(Answered.TIMEOUT)
    if state == State.LISTED:
        everybody = answers.get(_never(pair))
        if everybody and _read(everybody) == State.LISTED:
            return State.EVERYBODY
    if state == State.CLEAN:
        return _tested(pair, answers)
    return state


def _tested(pair: Pair, answers: Answers) -> str:
    """Is a list that does not have the address one that could have it?"""
    test, list_ = answers.get(_test(pair)), answers.get(pair[1])
    if list_ is not None and list_.answered is Answered.NXDOMAIN:
        return State.NO_LIST
    said = _read(test) if test else State.CLEAN
    return said if said in (State.REFUSED, State.NO_LIST) else State.CLEAN


def _read(answer: Records) -> str:
    codes = _codes(answer)
    if answer.answered is Answered.REFUSED or any(map(_REFUSED.fullmatch, codes)):
        return State.REFUSED
    if not answer.answered.is_known:
        return reason_of(answer.answered)
    if codes:
        return State.LISTED
    # RFC 5782 §2.1: entries are in 127.0.0.0/8, other addresses come from elsewhere.
    return State.NO_LIST if answer.records else State.CLEAN


def _codes(answer: Records) -> list[str]:
    return sorted(text for text in answer.records if text.startswith("127."))


def _is_absent(answer: Records | None) -> bool:
    return answer is not None and answer.answered.is_known and not answer.records


def _is_above(answer: Records | None, zone: str) -> bool:
    above = answer.zone if answer and _is_absent(answer) else None
    return above is not None and zone.endswith(f".{above}")


def _name(pair: Pair) -> str:
    label = pair[0].reverse_pointer
    plain = label.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa")
    return f"{plain}.{pair[1]}"


def _test(pair: Pair) -> str:
    return f"{_ALWAYS[pair[0].version]}.{pair[1]}"


def _never(pair: Pair) -> str:
    return f"{_NEVER[pair[0].version]}.{pair[1]}"


def _zones(pairs: Iterable[Pair]) -> list[str]:
    return list(dict.fromkeys(zone for _, zone in pairs))

"""What somebody pasted, made evidence: a reply, an error, a log, a bounce."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from portal.diagnosis.heard import evidence_of, hear, stage_in
from portal.diagnosis.logged import Logged, logged, written
from portal.diagnosis.raised import raised
from portal.diagnosis.spoken import refusal
from portal.diagnosis.types import Evidence
from portal.mail.bounces import Told, told

_LONGEST = 128_000  # the report of a bounce stands before the mail it is about
_LINES, _LINE = 1_000, 4_000
_MOST = 50
_QUOTED = re.compile(r"^(?:> ?){1,5}", re.MULTILINE)
_UNPRINTED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pasted:
    """One failure found in it. `reporter` is the machine that tells of it."""

    evidence: Evidence
    recipient: str | None = None
    reporter: str | None = None


def read(text: str) -> tuple[Pasted, ...]:
    """Every failure in it, the first first; at least one, if only the words."""
    text = _UNPRINTED.sub("", text[:_LONGEST].replace("\r\n", "\n")).strip()
    if all(line[:1] in (">", "") for line in text.splitlines()):
        text = _QUOTED.sub("", text)
    lines = [line[:_LINE] for line in text.splitlines()[:_LINES]]
    for found in (
        _of_report(text, lines),
        _of_log(lines),
        _of_conversation(lines),
        _of_error(text),
    ):
        first = _unlike(found)
        if first:
            return first
    return (_of_words(text, lines),)


def _of_report(text: str, lines: list[str]) -> Iterator[Pasted]:
    """A bounce for programs; what it leaves unsaid stands in its part for people."""
    people = [*written(lines)]
    for each in told(text):
        own = [one for one in people if one.recipient in (None, each.recipient)]
        yield _of_told(each, own[0] if own else None)


def _of_told(each: Told, people: Logged | None) -> Pasted:
    heard = hear(each.diagnostic)
    if people and (not heard.words or (heard.code is None and people.heard.code)):
        heard = people.heard
    elif people:
        heard = replace(
            heard,
            stage=heard.stage or people.heard.stage,
            host=heard.host or people.heard.host,
        )
    evidence = evidence_of(
        replace(heard, host=heard.host or each.remote),
        stage=_after_acceptance(heard.enhanced or each.status),
        enhanced=each.status,
    )
    return Pasted(evidence=evidence, recipient=each.recipient, reporter=each.reporter)


def _after_acceptance(enhanced: str | None) -> str:
    """Where a report leaves the stage open."""
    return _of_address(enhanced) or "post_data"


def _of_address(enhanced: str | None) -> str | None:
    """RFC 3463 §3: X.1 is about addresses, X.2 about mailboxes."""
    about = (enhanced or "").split(".")[1:2]
    return "rcpt_to" if about in (["1"], ["2"]) else None


def _of_conversation(lines: list[str]) -> Iterator[Pasted]:
    found = refusal(lines)
    if found:
        evidence = Evidence(text=found.words, stage=found.stage, code=found.code)
        yield Pasted(evidence=evidence)


def _of_log(lines: list[str]) -> Iterator[Pasted]:
    for each in [*logged(lines)] or [*written(lines)]:
        stage = each.stage or _of_address(each.heard.enhanced or each.enhanced)
        evidence = evidence_of(each.heard, stage=stage, enhanced=each.enhanced)
        yield Pasted(evidence=evidence, recipient=each.recipient)


def _of_error(text: str) -> Iterator[Pasted]:
    found = raised(text)
    if found:
        yield Pasted(evidence=found.evidence, recipient=found.recipient)


def _of_words(text: str, lines: list[str]) -> Pasted:
    """A reply as it is: its codes are found when it is explained."""
    heard = hear(text) if len(lines) == 1 else None
    if heard and heard.code and not text[:3].isdigit():
        return Pasted(evidence=evidence_of(heard))
    return Pasted(evidence=Evidence(text=text, stage=stage_in(text[:_LINE])))


def _unlike(found: Iterator[Pasted]) -> tuple[Pasted, ...]:
    """Each once: a log tells of every try."""
    kept = {(each.recipient, each.evidence.text): each for each in found}
    return tuple(kept.values())[:_MOST]

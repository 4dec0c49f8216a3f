"""Finds failures in the log lines of Postfix, Exim and Sendmail, and in bounces' text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import takewhile

from portal.diagnosis.heard import Heard, hear

_ADDRESS = r"<?([^\s<>,;]{1,320}@[^\s<>,;]{1,255}?)>?"
_POSTFIX = re.compile(
    rf"\bto={_ADDRESS},.{{0,400}}?\bstatus=(?:bounced|deferred|undeliverable) \((.*)\)"
)
_SMTPD = re.compile(
    r"\b(?:reject|milter-reject)(?:_warning)?: (\w+(?:-\w+)*) from \S{1,300}:"
    rf" ([45]\d\d .*?)(?:; from=.*?(?:\bto={_ADDRESS}(?=\s|$)|$)|$)"
)
_SENDMAIL = re.compile(
    rf"\bto={_ADDRESS},.{{0,400}}?\bdsn=([245]\.\d+\.\d+),.{{0,200}}?\bstat=(?!Sent)(.*)"
)
_EXIM = re.compile(rf"(?:\*\*|==) {_ADDRESS}(?: <[^<>]{{0,320}}>)?( R=.*|:.*)")
_EXIM_REFUSES = re.compile(
    rf"\brejected (RCPT|MAIL|DATA|EHLO|HELO|after DATA)[^:]{{0,60}}?(?: {_ADDRESS})?: (.*)"
)
_IN_BOUNCE = re.compile(rf"^\s{{0,4}}{_ADDRESS}:? {{0,3}}(?=$|host |\d)(.*)")
_EXIM_PLACE = re.compile(
    r"^ ?(?:[RT]=\S{1,80} ){0,2}(?:H=\S{1,255} \[\S{2,45}\](?::\d+)? ?)?"
    r"(?:defer \(-?\d+\))?:? ?"
)
_RELAY = re.compile(
    r"\brelay=([\w.-]{1,253}?)\.?(?: ?\[[\w.:]{2,45}\])?(?::(\d+))?[ ,]"
)
_SAID_IN_BOUNCE = re.compile(
    r"\bsaid:|error from remote mail server|remote (?:host|server) (?:said|returned)"
    r"|response (?:from the remote server )?was:|<<< [45]\d\d",
    re.IGNORECASE,
)
_AT = {
    "RCPT": "rcpt_to",
    "MAIL": "mail_from",
    "DATA": "data",
    "EHLO": "ehlo",
    "HELO": "ehlo",
    "CONNECT": "banner",
    "END-OF-MESSAGE": "post_data",
    "after DATA": "post_data",
}
_SENTENCE_LINES = 8  # a bounce folds one sentence into several


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    heard: Heard
    recipient: str | None = None
    stage: str | None = None
    enhanced: str | None = None


def logged(lines: list[str]) -> Iterator[Logged]:
    """One for each line that tells of a failure."""
    for line in lines:
        found = _line(line)
        if found:
            yield found


def written(lines: list[str]) -> Iterator[Logged]:
    """The sentences of a bounce for people: an address, then who said what of it."""
    for at, line in enumerate(lines):
        if not _SAID_IN_BOUNCE.search(line):
            continue
        begins = _sentence_begins(lines, at)
        recipient = next(
            (
                m[1]
                for each in lines[begins : at + 1][::-1]
                if (m := _IN_BOUNCE.match(each))
            ),
            None,
        )
        sentence = " ".join(_paragraph(lines, at))
        before = " ".join(lines[begins:at])
        yield Logged(heard=hear(f"{before} {sentence}"), recipient=recipient)


def _sentence_begins(lines: list[str], at: int) -> int:
    """Some put the address and the host into lines above the words."""
    above = range(at, max(-1, at - 4), -1)
    return min(takewhile(lambda each: lines[each].strip(), above), default=at)


def _paragraph(lines: list[str], at: int) -> Iterator[str]:
    for line in lines[at : at + _SENTENCE_LINES]:
        if not line.strip():
            return
        yield line.strip()
        if line.startswith("<<<"):
            return


def _line(line: str) -> Logged | None:
    if found := _POSTFIX.search(line):
        dsn = re.search(r"\bdsn=([245]\.\d+\.\d+)", line)
        return Logged(
            heard=_at_relay(hear(found[2]), line),
            recipient=found[1],
            enhanced=dsn[1] if dsn else None,
        )
    if found := _SMTPD.search(line):
        return Logged(heard=hear(found[2]), stage=_AT.get(found[1]), recipient=found[3])
    if found := _SENDMAIL.search(line):
        reply = re.search(r"\breply=([45]\d\d.*?), stat=", line)
        heard = hear(reply[1] if reply else found[3])
        return Logged(
            heard=_at_relay(heard, line), recipient=found[1], enhanced=found[2]
        )
    if found := _EXIM.search(line):
        heard = hear(found[2])
        words = _EXIM_PLACE.sub("", heard.words)
        return Logged(heard=replace(heard, words=words), recipient=found[1])
    if found := _EXIM_REFUSES.search(line):
        return Logged(heard=hear(found[3]), stage=_AT.get(found[1]), recipient=found[2])
    return None


def _at_relay(heard: Heard, line: str) -> Heard:
    relay = _RELAY.search(line)
    if heard.host or relay is None or relay[1] == "none":
        return heard
    port = int(relay[2]) if relay[2] else None
    return replace(heard, host=relay[1], port=port)

"""Reads what a delivery status notification says of each recipient (RFC 3464).

The whole mail, its second part alone or only some of its fields: people paste what
their program shows them. All of it is hostile input.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email import message_from_string
from email.message import Message

_MOST = 50  # recipients of one bounce that are told of
_PARAGRAPHS = 500
_PARAGRAPH = re.compile(r"\n[ \t]*\n")
_FIELD = re.compile(
    r"^(Reporting-MTA|Final-Recipient|Original-Recipient|Action|Status|Remote-MTA"
    r"|Diagnostic-Code)[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
_FAILURES = ("failed", "delayed", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What became of one recipient, in the words of `reporter`.

    `status` is the enhanced code, `diagnostic` the words behind its type: of an
    SMTP server (`smtp`), or of the reporter's own program.
    """

    recipient: str | None
    status: str | None
    diagnostic: str
    remote: str | None
    reporter: str | None


def told(text: str) -> tuple[Told, ...]:
    """One for each recipient that failed or waits; empty if this is no such report."""
    if not _FIELD.search(text):
        return ()
    blocks = [*_parts(text)] if "delivery-status" in text.lower() else []
    blocks = blocks or [*_paragraphs(text)]
    reporter = next((_value(block, "Reporting-MTA") for block in blocks), None)
    found = (_of(block, reporter) for block in blocks if _is_failure(block))
    return tuple(each for each, _ in zip(found, range(_MOST), strict=False))


def _parts(text: str) -> Iterator[Message]:
    for part in message_from_string(text.lstrip()).walk():
        payload = part.get_payload()
        if part.get_content_type() == "message/delivery-status":
            yield from (each for each in _listed(payload) if each.keys())


def _listed(payload: object) -> Iterable[Message]:
    return payload if isinstance(payload, list) else ()


def _paragraphs(text: str) -> Iterator[Message]:
    for paragraph in _PARAGRAPH.split(text, _PARAGRAPHS)[:_PARAGRAPHS]:
        first = _FIELD.search(paragraph)
        if first:
            yield message_from_string(paragraph[first.start() :])


def _is_failure(block: Message) -> bool:
    about_one = block.get("Final-Recipient") or block.get("Status")
    action = str(block.get("Action", "")).strip().lower()
    return bool(about_one) and action in _FAILURES


def _of(block: Message, reporter: str | None) -> Told:
    status = re.match(r"\s*([245]\.\d{1,3}\.\d{1,3})", str(block.get("Status", "")))
    recipient = _value(block, "Final-Recipient") or _value(block, "Original-Recipient")
    return Told(
        recipient=recipient,
        status=status[1] if status else None,
        diagnostic=_value(block, "Diagnostic-Code") or "",
        remote=_value(block, "Remote-MTA"),
        reporter=_value(block, "Reporting-MTA") or reporter,
    )


def _value(block: Message, name: str) -> str | None:
    """Without its type (`smtp;`, `dns;`, `rfc822;`), on one line."""
    given = " ".join(str(block.get(name, "")).split())
    kind, parted, rest = given.partition(";")
    is_typed = parted and re.fullmatch(r"[\w-]{1,30}", kind.strip())
    return (rest if is_typed else given).strip().strip("<>") or None

"""What somebody pasted, explained: each failure in it gets the diagnosis of a ladder.

Nothing of the store is imported here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from portal.address import BadAddress, parse_host
from portal.delivery.types import Stage
from portal.diagnosis import pasted
from portal.diagnosis.explain import explain
from portal.diagnosis.pasted import Pasted
from portal.diagnosis.types import Diagnosis
from portal.errors import Invalid
from portal.providers.catalogue import Catalogue
from portal.services import knowledge

LONGEST = 200_000
MOST = 20  # failures of one paste that are explained


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """One diagnosis and whom it befell; `provider` is whose words were read."""

    diagnosis: Diagnosis
    provider: str | None = None
    reporter: str | None = None
    recipients: tuple[str, ...] = ()


def explained(
    catalogue: Catalogue, text: str, *, stage: str = "", host: str = ""
) -> tuple[Explained, ...]:
    """At least one; failures with the same answer are told together.

    `stage` and `host` fill in what the pasted text does not say. Raises Invalid.
    """
    if not text.strip():
        raise Invalid("text", "Paste a reply, a log line or a bounce.")
    if len(text) > LONGEST:
        raise Invalid("text", f"Paste the part that failed: {LONGEST:,} letters do.")
    if stage and stage not in set(Stage):
        raise Invalid("stage", "There is no such stage.")
    relay = _host(host)
    found = pasted.read(text)[:MOST]
    return _together(_answers(catalogue, found, stage or None, relay))


def _host(typed: str) -> str | None:
    if not typed.strip():
        return None
    try:
        return parse_host(typed.strip())
    except BadAddress as fault:
        raise Invalid("host", str(fault)) from fault


def _answers(
    catalogue: Catalogue,
    found: tuple[Pasted, ...],
    stage: str | None,
    host: str | None,
) -> Iterator[Explained]:
    for each in found:
        evidence = replace(
            each.evidence,
            stage=stage or each.evidence.stage,
            host=host or each.evidence.host,
        )
        speaker = evidence.host or each.reporter
        provider = catalogue.by_host(speaker) if speaker else None
        hints = knowledge.hints(catalogue, provider.id) if provider else None
        yield Explained(
            diagnosis=explain(evidence, hints),
            provider=hints.name if hints else None,
            reporter=each.reporter,
            recipients=(each.recipient,) if each.recipient else (),
        )


def _together(answers: Iterator[Explained]) -> tuple[Explained, ...]:
    found: list[Explained] = []
    for each in answers:
        for index, known in enumerate(found):
            if _same(known, each):
                both = (*known.recipients, *each.recipients)
                found[index] = replace(known, recipients=tuple(dict.fromkeys(both)))
                break
        else:
            found.append(each)
    return tuple(found)


def _same(one: Explained, other: Explained) -> bool:
    ours, theirs = one.diagnosis, other.diagnosis
    return (ours.cause, ours.meaning, ours.remedy, one.reporter) == (
        theirs.cause,
        theirs.meaning,
        theirs.remedy,
        other.reporter,
    )

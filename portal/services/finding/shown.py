"""What was found as JSON: for the command, and for the row of a search."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.delivery.shown import presented_json
from portal.delivery.types import Security
from portal.services.finding.types import Asked, Findings, Safety, Source, Way


def findings_json(found: Findings) -> dict[str, Any]:
    return {
        "asked": found.asked.text,
        "provider": found.provider,
        "sentence": found.sentence,
        "notes": list(found.notes),
        "proposal": way_json(found.proposal) if found.proposal else None,
        "values": dict(found.values),
        "ways": [way_json(each) for each in found.ways],
    }


def way_json(way: Way) -> dict[str, Any]:
    """`safety` is null where nothing answers; `presented` is there where nobody
    vouches for the certificate."""
    found: dict[str, Any] = {
        "host": way.host,
        "port": way.port,
        "security": way.security.value,
        "source": way.source.value,
        "safety": way.safety.value if way.safety else None,
        "mechanisms": list(way.mechanisms),
        "said": way.said,
        "ms": way.ms,
    }
    if way.presented:
        found["presented"] = [presented_json(each) for each in way.presented]
    return found


def read_way(row: Mapping[str, Any]) -> Way:
    """Without the certificates: a page that shows a search does not list them."""
    return Way(
        host=row["host"],
        port=row["port"],
        security=Security(row["security"]),
        source=Source(row["source"]),
        safety=Safety(row["safety"]) if row["safety"] else None,
        mechanisms=tuple(row["mechanisms"]),
        said=row["said"],
        ms=row["ms"],
    )


def read_findings(row: Mapping[str, Any], asked: Asked) -> Findings:
    proposal = row["proposal"]
    return Findings(
        asked=asked,
        provider=row["provider"],
        ways=tuple(read_way(each) for each in row["ways"]),
        proposal=read_way(proposal) if proposal else None,
        sentence=row["sentence"],
        notes=tuple(row["notes"]),
        values=row["values"],
    )

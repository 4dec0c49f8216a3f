"""Failures with known causes, read from `data/`: those met, and those held out."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portal.diagnosis.rules import causes
from portal.diagnosis.types import Evidence

DATA = Path(__file__).with_name("data")
_EVIDENCE = (
    "text",
    "stage",
    "code",
    "enhanced",
    "exception",
    "host",
    "port",
    "security",
    "auth",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A failure whose cause is known; `also` are causes that are fair as well."""

    evidence: Evidence
    cause: str
    also: tuple[str, ...]
    temporary: bool
    emitter: str


def met() -> tuple[Known, ...]:
    return _all("failures")


def held_out() -> tuple[Known, ...]:
    return _all("held_out")


def _all(folder: str) -> tuple[Known, ...]:
    files = sorted((DATA / folder).glob("*.toml"))
    return tuple(known for file in files for known in _read(file))


def _read(file: Path) -> Iterator[Known]:
    for cause, rows in tomllib.loads(file.read_text("utf-8")).items():
        for row in rows:
            yield _known(cause, row)


def _known(cause: str, row: dict[str, Any]) -> Known:
    return Known(
        evidence=Evidence(**{key: row.get(key) for key in _EVIDENCE}),
        cause=cause,
        also=tuple(row.get("also", ())),
        temporary=row.get("temporary", causes()[cause].temporary),
        emitter=row["emitter"],
    )

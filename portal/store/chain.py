"""The end of an audit chain: read, locked and moved in three short statements.

In SQL of its own, because every accepted and every sent mail comes by here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from portal.store.database import locking, statement
from portal.store.models.base import public_id

START = "0" * 64  # what the first event of a chain follows

_HEAD = "SELECT hash FROM audit_head WHERE tenant_id = ?"
_BEGIN = (
    "INSERT INTO audit_head (tenant_id, hash, length) VALUES (?, ?, 0)"
    " ON CONFLICT DO NOTHING"
)
_MOVE = "UPDATE audit_head SET hash = ?, length = length + ? WHERE tenant_id = ?"
_ADD = (
    "INSERT INTO audit_event (public_id, tenant_id, at, event, actor, ip,"
    " subject_kind, subject_id, detail, previous, hash) VALUES "
)
_ROW = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One event as it is stored; `at` in microseconds, `detail` plain JSON."""

    tenant_id: int | None
    at: int
    event: str
    actor: str
    ip: str | None
    subject_kind: str | None
    subject_id: str | None
    detail: Mapping[str, Any]
    public_id: str = field(default_factory=public_id)


def head(tenant_id: int | None) -> str:
    """The hash at the end of this chain, locked until the transaction ends."""
    key = tenant_id or 0
    sql = f"{_HEAD} FOR UPDATE" if locking() else _HEAD
    row = statement(sql, key).fetchone()
    if row is None:
        statement(_BEGIN, key, START)
        row = statement(sql, key).fetchone()
    return str(row[0])


def append(links: Sequence[Link], hashes: Sequence[str], *, previous: str) -> None:
    """Add these links, each with its hash, in the transaction that read the head:
    all in one statement, so some hundreds at most. They are of one chain."""
    values: list[Any] = []
    for link, hash in zip(links, hashes, strict=True):
        values += (
            link.public_id,
            link.tenant_id,
            link.at,
            link.event,
            link.actor,
            link.ip,
            link.subject_kind,
            link.subject_id,
            json.dumps(link.detail),
            previous,
            hash,
        )
        previous = hash
    statement(_ADD + ", ".join([_ROW] * len(links)), *values)
    statement(_MOVE, previous, len(links), links[0].tenant_id or 0)

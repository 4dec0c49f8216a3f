"""The JSON of messages, exactly as programs read it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from portal.services.sending.views import AttemptView, MessageView, RecipientView


def message_json(message: MessageView, *, whole: bool = False) -> dict[str, Any]:
    """`whole` adds what came of it: attempts and diagnosis."""
    shape: dict[str, Any] = {
        "id": message.id,
        "status": message.status,
        "message_id": message.message_id,
        "captured": message.captured,
        "recipients": [_recipient(row, whole=whole) for row in message.recipients],
    }
    if not whole:
        return shape
    return shape | {
        "subject": message.subject,
        "kind": message.kind,
        "tags": dict(message.tags),
        "accepted_at": at_json(message.accepted_at),
        "scheduled_at": at_json(message.scheduled_at),
        "expires_at": at_json(message.expires_at),
        "cancel_asked": message.cancel_asked,
        "attempts": [_attempt(row) for row in message.attempts],
        "diagnosis": None if message.diagnosis is None else dict(message.diagnosis),
    }


def at_json(at: datetime | None) -> str | None:
    """RFC 3339, UTC, to the millisecond."""
    if at is None:
        return None
    text = at.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _recipient(row: RecipientView, *, whole: bool) -> dict[str, Any]:
    shape: dict[str, Any] = {"address": row.address, "status": row.status}
    if whole:
        shape |= {
            "field": row.field,
            "reply": None if row.reply is None else dict(row.reply),
            "next_at": at_json(row.next_at or row.retry_at),
            "waits_for": row.waits_for,
        }
    return shape


def _attempt(row: AttemptView) -> dict[str, Any]:
    return {
        "number": row.number,
        "at": at_json(row.at),
        "route": row.route,
        "sender": row.sender,
        "sender_version": row.sender_version,
        "relay": row.relay,
        "stage": row.stage,
        "reply": None if row.reply is None else dict(row.reply),
        "ms": row.ms,
        "outcome": row.outcome,
        "recipients": list(row.recipients),
    }

"""A caller's repeated request: its key, its fingerprint, its saved answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.errors import Mismatch
from portal.services.sending.views import MessageView
from portal.store.fields import now
from portal.store.models import IdempotencyKey

KEPT = timedelta(hours=48)  # at least, and longer than the message lives
AFTERWARDS = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Idempotency:
    """`fingerprint` is SHA-256 of the canonical request; `answer` makes the status
    and the body that are saved with the messages and given to every repetition."""

    key: str
    fingerprint: str
    answer: Callable[[Sequence[MessageView]], tuple[int, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """The answer that was saved when the request came first."""

    status: int
    body: str


def find_replay(tenant_id: int, asked: Idempotency) -> Replay | None:
    """The saved answer of this key, if it is there.

    Its row counts until it is purged, which waits for a clock that is trusted
    (outbox §5): a jump ahead must not make a second mail of a repetition.
    Raises Mismatch when the key came with another request.
    """
    row = IdempotencyKey.get_or_none(
        IdempotencyKey.tenant == tenant_id, IdempotencyKey.key == asked.key
    )
    if row is None:
        return None
    if row.fingerprint != asked.fingerprint:
        raise Mismatch("This idempotency key was used with another request.")
    return Replay(status=row.status, body=row.body)


def keep_answer(
    tenant_id: int,
    asked: Idempotency,
    messages: Sequence[MessageView],
    latest_end: datetime,
) -> Replay | None:
    """Save the answer in the transaction of the accept; the unique index decides.

    None: the key was free. Otherwise another request had it, and nothing more may
    be written. Raises Mismatch.
    """
    at = now()
    status, body = asked.answer(messages)
    made = (
        IdempotencyKey.insert(
            tenant=tenant_id,
            key=asked.key,
            fingerprint=asked.fingerprint,
            status=status,
            body=body,
            created_at=at,
            expires_at=max(at + KEPT, latest_end + AFTERWARDS),
        )
        .on_conflict_ignore()
        .returning(IdempotencyKey.id)
        .execute()
    )
    return None if list(made) else find_replay(tenant_id, asked)

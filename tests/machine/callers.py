"""Who asks for mail: with a key or without, again with the same key, too much."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta

import pytest

from portal.address import Named, parse_mailbox
from portal.errors import Mismatch, TooMany
from portal.mail.types import Draft, Kind
from portal.services import audit
from portal.services.sending import Accepted, Idempotency, accept
from portal.store.fields import now
from portal.store.models import ALL, IdempotencyKey
from tests.machine.book import Book
from tests.machine.office import QUOTA, SECRET, Office, answer_of

KEPT_S = 48 * 3600
LATER = timedelta(hours=1)


@dataclass
class Asked:
    """A request with its key, and the answer that it got."""

    key: str
    draft: Draft
    body: str
    wall: float


class Callers:
    def __init__(self, office: Office, book: Book) -> None:
        self.keys: list[Asked] = []
        self._office = office
        self._book = book
        self._count = 0

    def accept(self, to: int, *, keyed: bool, later: bool, urgent: bool) -> None:
        self._count += 1
        draft = Draft(
            to=tuple(
                Named(parse_mailbox(f"mail{self._count}-{n}@example.com"))
                for n in range(to)
            ),
            subject=f"Mail {self._count}",
            text="Hello.",
            kind=Kind.OTP if urgent else Kind.NOTIFICATION,
            scheduled_at=now() + LATER if later else None,
        )
        if len(draft.to) + self._book.seen.used > QUOTA:
            with pytest.raises(TooMany):
                self._send(draft, None)
            self._book.turn("accept")
            return
        key = f"key-{self._count}" if keyed else None
        self._accepted(draft, key)

    def repeat(self, pick: int, *, other_body: bool) -> None:
        """The answer was lost: the same request again, or another one by mistake."""
        asked = self.keys[pick % len(self.keys)]
        there = IdempotencyKey.get_or_none(IdempotencyKey.key == asked.key)
        if there is None:  # its time was over, by the wall clock at least
            assert abs(self._office.dial.wall() - asked.wall) >= KEPT_S
            self.keys.remove(asked)
            return
        if other_body:
            with pytest.raises(Mismatch):
                self._send(Draft(to=asked.draft.to, subject="Other"), asked.key)
        else:
            replay = self._send(asked.draft, asked.key).replay
            assert replay is not None, "accepted twice"
            assert (replay.status, replay.body) == (202, asked.body)
        seen = self._book.seen
        assert self._book.turn("accept").mails == seen.mails

    def verify(self) -> None:
        """The chain of the audit fits, and no row of any table tells the secret."""
        assert audit.verify(self._office.owner).broken_at is None
        for table in ALL:
            for row in table.select().tuples():
                assert not any(_tells(value) for value in row), table

    def _accepted(self, draft: Draft, key: str | None) -> None:
        before = self._book.seen
        accepted = self._send(draft, key)
        assert accepted.replay is None
        (view,) = accepted.messages
        self._book.accepted += len(draft.to)
        seen = self._book.turn("accept")
        (made,) = seen.mails.keys() - before.mails.keys()
        assert seen.mails[made].public_id == view.id
        assert {row.address for row in seen.of(made)} == {
            str(named.mailbox) for named in draft.to
        }
        if key is not None:
            body = answer_of([view.id])[1]
            self.keys.append(Asked(key, draft, body, self._office.dial.wall()))

    def _send(self, draft: Draft, key: str | None) -> Accepted:
        idempotency = None
        if key is not None:
            idempotency = Idempotency(
                key=key,
                fingerprint=hashlib.sha256(repr(draft).encode()).hexdigest(),
                answer=lambda views: answer_of([view.id for view in views]),
            )
        return accept(self._office.owner, [draft], idempotency=idempotency)


def _tells(value: object) -> bool:
    if isinstance(value, memoryview):
        value = bytes(value)
    if isinstance(value, bytes):
        return SECRET.encode() in value
    return SECRET in str(value)

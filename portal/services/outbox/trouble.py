"""Which errors of the database pass by themselves."""

from __future__ import annotations

import peewee

from portal.errors import Unavailable
from portal.services.outbox.rows import Raced


def is_passing(error: BaseException) -> bool:
    """The disk is full, the server restarts, another process holds the lock: the
    same work may succeed later. Everything else is a fault of ours."""
    passing = (Unavailable, Raced, peewee.OperationalError, peewee.InterfaceError)
    return isinstance(error, passing)

"""Which errors of the database pass by themselves."""

from __future__ import annotations

from portal.errors import Unavailable
from portal.services.outbox.sql import Raced
from portal.store.database import TROUBLE


def is_passing(error: BaseException) -> bool:
    """The disk is full, the server restarts, another process holds the lock: the
    same work may succeed later. Everything else is a fault of ours."""
    return isinstance(error, (Unavailable, Raced, *TROUBLE))

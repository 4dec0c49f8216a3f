"""Which idempotency keys this process is busy with, so that two never overlap."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from portal.errors import Conflict

PATIENCE_S = 5.0
_guard = threading.Condition()
_busy: set[tuple[int, str]] = set()


@contextmanager
def alone(tenant_id: int, key: str | None) -> Iterator[None]:
    """Wait for a request with the same key, a little; then Conflict (409).

    Only a courtesy: what decides is the unique index.
    """
    if key is None:
        yield
        return
    name = (tenant_id, key)
    with _guard:
        if not _guard.wait_for(lambda: name not in _busy, timeout=PATIENCE_S):
            raise Conflict("A request with this idempotency key is still running.")
        _busy.add(name)
    try:
        yield
    finally:
        with _guard:
            _busy.discard(name)
            _guard.notify_all()

"""What the writer's tests share."""

from __future__ import annotations

import threading

from portal.store.models import Tenant
from portal.store.writer import Writer

WAIT_S = 20


def add(slug: str) -> str:
    Tenant.create(slug=slug, name=slug)
    return slug


def slugs() -> set[str]:
    return {row.slug for row in Tenant.select()}


class Held:
    """A work that holds the writing thread, so that the next ones form a group."""

    def __init__(self, writer: Writer) -> None:
        self.begun, self.gate = threading.Event(), threading.Event()
        self.future = writer.submit(self)
        assert self.begun.wait(WAIT_S)

    def __call__(self) -> None:
        self.begun.set()
        assert self.gate.wait(WAIT_S)

    def release(self) -> None:
        self.gate.set()
        self.future.result(WAIT_S)

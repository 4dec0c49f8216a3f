"""An installation for a fault: a tenant, a sender, a key; its clients, its rows."""

from __future__ import annotations

import itertools
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any

from portal.app import build_installation
from portal.config import Settings
from portal.delivery.types import Limits
from portal.services import keys
from portal.services.actor import Actor, Role, TenantRef
from portal.services.outbox.timing import Timing
from portal.store import database as store
from tests.people import Factory
from tests.serving import free_port

# Like the real ones, a hundredth as long; a jump of the clock is a jump all the same.
QUICK = Timing(
    lease_s=3,
    urgent_s=(0.1, 0.2),
    normal_s=(0.1, 0.2),
    greylist_s=0.1,
    uncertain_urgent_s=0.3,
    uncertain_normal_s=0.3,
    breaker_s=(0.1,),
    throttle_s=(0.1,),
    throttle_rise_s=0.2,
    release_doubling_s=0.1,
    poll_s=0.1,
    clock_rest_s=6,
)
LIMITS = Limits.every(5, 20)
ACCEPT_S = 60


@dataclass
class House:
    """`accepted` is what a 202 named: Message-ID by subject."""

    settings: Settings
    key: str
    tenant: TenantRef
    env: dict[str, str]
    port: int = field(default_factory=free_port)
    accepted: dict[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Any:
        return self.settings.instance.parent

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] = {},
    ) -> tuple[int, Any]:
        """One request; an error status is an answer too, a broken one is not."""
        sent = {"Authorization": f"Bearer {self.key}", **headers}
        content = None if body is None else json.dumps(body).encode()
        if content is not None:
            sent["Content-Type"] = "application/json"
        url = f"http://127.0.0.1:{self.port}{path}"
        request = urllib.request.Request(url, content, sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=65) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code, json.load(answer)

    def post(self, subject: str, **more: Any) -> int:
        """POST /send once; what was accepted is remembered."""
        body = {"to": f"{subject}@example.com", "subject": subject, "text": "hi"}
        headers = {"Idempotency-Key": subject}
        status, answer = self.ask("POST", "/send", body | more, headers)
        if status in (200, 202):
            self.accepted[subject] = answer["message_id"]
        return status

    def post_until_accepted(self, subject: str, **more: Any) -> None:
        """As a careful script does: the same request with the same key."""
        ends_at = time.monotonic() + ACCEPT_S
        while time.monotonic() < ends_at:
            with suppress(OSError, HTTPException, ValueError):
                status = self.post(subject, **more)
                if status == 202:
                    return
                assert status in (409, 503), f"{subject}: {status}"
            time.sleep(0.01)
        raise AssertionError(f"{subject} was never accepted.")

    def is_ready(self) -> bool:
        with suppress(OSError, HTTPException):
            return self.ask("GET", "/readyz")[0] == 200
        return False

    def until_ready(self, alive: Any = None) -> None:
        ends_at = time.monotonic() + 30
        while not self.is_ready():
            said = alive.said if alive else ""
            assert time.monotonic() < ends_at, f"it does not get ready\n{said}"
            time.sleep(0.01)

    @contextmanager
    def clients(self, count: int, prefix: str = "mail", **more: Any) -> Iterator[None]:
        """Clients who post one mail after the other for the time of the block."""
        numbers, over = itertools.count(), threading.Event()
        broken: list[BaseException] = []

        def work() -> None:
            try:
                while not over.is_set():
                    subject = f"{prefix}-{next(numbers)}"
                    self.post_until_accepted(subject, **more)
            except BaseException as error:
                broken.append(error)

        threads = [threading.Thread(target=work, daemon=True) for _ in range(count)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join(ACCEPT_S)
        assert not broken, broken


def house(settings: Settings, *, relay_port: int, **sender: Any) -> House:
    """Made through the portal's own parts, which are closed again."""
    with inhabited(settings) as make:
        tenant = make.tenant()
        where = {"host": "127.0.0.1", "port": relay_port}
        make.sender(tenant, **where, **({"from_address": "app@example.org"} | sender))
        owner = Actor(
            installation=make.installation,
            tenant=tenant,
            role=Role.OWNER,
            system="tests",
        )
        key = keys.make(owner, name="faults").key
    env = {
        "PORTAL_INSTANCE": str(settings.instance),
        "PORTAL_RELAY_ALLOW": f"127.0.0.0/8:{relay_port}",
        "PORTAL_LIMITS": "off",
    }
    if settings.database_url:
        env["PORTAL_DATABASE_URL"] = settings.database_url
    return House(settings=settings, key=key, tenant=tenant, env=env)


@contextmanager
def inhabited(settings: Settings) -> Iterator[Factory]:
    """The database attached in this process for the time of the block."""
    installation = build_installation(settings)
    try:
        with store.connection():
            yield Factory(installation)
    finally:
        installation.writer.close()
        store.detach()

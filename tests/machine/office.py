"""One installation for one run of the machine: a tenant, three sender versions."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from portal.config import Settings
from portal.config.sender import DefaultSender
from portal.providers.catalogue import Catalogue
from portal.secret import Secret
from portal.services import senders
from portal.services.actor import Actor, Role, TenantRef
from portal.services.bell import SilentBell
from portal.services.installation import Installation
from portal.services.outbox.timing import Timing
from portal.store import database as store
from portal.store.fields import micros
from portal.store.models import SenderVersion
from portal.store.vault import open_vault
from portal.store.writer import Writer
from tests import postgres
from tests.machine.sundial import Sundial
from tests.people import Factory

T = TypeVar("T")
SECRET = "a plain word of nobody else"
QUOTA = 14
DEFAULT = DefaultSender(
    host="relay.example.net",
    port=587,
    security="starttls",
    username="portal",
    password=Secret(SECRET),
    from_address="portal@example.net",
)
FORM: dict[str, object] = {
    "provider": "generic_smtp",
    "host": "smtp.example.org",
    "port": "587",
    "security": "starttls",
    "auth": "password",
    "username": "app",
    "password": SECRET,
    "from_address": "app@example.org",
}


@dataclass(frozen=True)
class Version:
    """One that an activation may choose."""

    id: int
    sender_id: str  # public
    number: int
    holds: bool  # a lost reply waits for a person


class Office:
    """`run` is a work of the writing thread, as every step of the outbox is."""

    def __init__(self, settings: Settings, installation: Installation) -> None:
        self.settings = settings
        self.installation = installation
        self.timing = Timing(jitter=0, poll_s=0)
        self.dial = Sundial()
        self.loop = asyncio.Runner()
        self.engine = Actor(installation=installation, system="engine")
        self.tenant: TenantRef = Factory(installation).tenant(quota=QUOTA)
        self.owner = Actor(
            installation=installation,
            tenant=self.tenant,
            role=Role.OWNER,
            system="the machine",
        )
        rows = SenderVersion.select().order_by(SenderVersion.id)
        self.versions = [_version(row) for row in rows]

    def run(self, work: Callable[[], T]) -> T:
        return self.installation.writer.run(work)

    def now_micros(self) -> int:
        return micros(store.clock())

    def holds(self, version_id: int | None) -> bool:
        return any(row.holds for row in self.versions if row.id == version_id)

    def furnish(self) -> None:
        """Two versions of one sender, and one of another, which holds."""
        first = self._save("First", None, activate=True)
        self._save("First", first, password="another one")
        self._save("Second", None, on_lost_reply="hold")

    def _save(
        self, name: str, sender_id: str | None, *, activate: bool = False, **more: str
    ) -> str:
        saved = senders.save(
            self.owner,
            sender_id=sender_id,
            values={**FORM, "name": name, **more},
            activate=activate,
            patience_s=0,
        )
        return saved.id


@dataclass(frozen=True)
class Ground:
    """Where offices are set up: an instance to copy, and PostgreSQL or none."""

    instance: Path
    folder: Path
    server: str | None = None
    template: str | None = None

    @contextmanager
    def furnished(self) -> Iterator[Ground]:
        """The same with the senders in it, to copy from."""
        with ExitStack() as stack:
            settings = self._settings(stack)
            with _opened(settings) as office:
                office.furnish()
            template = None
            if settings.database_url is not None:
                template = urlsplit(settings.database_url).path.strip("/")
            yield dataclasses.replace(
                self, instance=settings.instance, template=template
            )

    @contextmanager
    def office(self) -> Iterator[Office]:
        """A new one, and nothing left of it."""
        with ExitStack() as stack:
            yield stack.enter_context(_opened(self._settings(stack)))

    def _settings(self, stack: ExitStack) -> Settings:
        made = tempfile.TemporaryDirectory(dir=self.folder)
        where = Path(stack.enter_context(made)) / "instance"
        shutil.copytree(self.instance, where)
        url = None
        if self.server is not None:
            url = stack.enter_context(postgres.database(self.server, self.template))
        return Settings(
            instance=where,
            database_url=url,
            ehlo_name="portal.example.org",
            default_sender=DEFAULT,
        )


def answer_of(ids: list[str]) -> tuple[int, str]:
    """What POST /send would say."""
    return 202, json.dumps(ids)


@contextmanager
def _opened(settings: Settings) -> Iterator[Office]:
    with ExitStack() as stack:
        stack.callback(store.detach)
        writer = Writer(store.attach(settings))
        stack.enter_context(store.connection())
        stack.callback(writer.close)
        installation = Installation(
            settings=settings,
            writer=writer,
            vault=open_vault(settings),
            catalogue=_catalogue(),
            bell=SilentBell(),
            sandbox_port=lambda: None,
        )
        office = Office(settings, installation)
        stack.callback(office.loop.close)
        yield office


def _version(row: SenderVersion) -> Version:
    holds = row.settings.get("on_lost_reply") == "hold"
    return Version(row.id, row.sender.public_id, row.number, holds)


@functools.cache
def _catalogue() -> Catalogue:
    return Catalogue.load()

"""What a running portal is made of, handed to services inside the Actor."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from portal.config import Settings
from portal.providers.catalogue import Catalogue
from portal.services.bell import Bell, SilentBell
from portal.store import database
from portal.store.room import FLOORS, Floors, Room
from portal.store.vault import Vault, open_vault
from portal.store.writer import Writer

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    settings: Settings
    writer: Writer  # accept, marks and results go through it
    vault: Vault  # seals and opens secrets
    catalogue: Catalogue
    bell: Bell
    sandbox_port: Callable[[], int | None]  # None: this process runs no sandbox
    floors: Floors = FLOORS
    name_server_port: int = 53  # of those that a zone names itself (RFC 1035 §4.2)

    @property
    def room(self) -> Room:
        """On the disk of the queue, where that is this machine's."""
        on_a_server = self.settings.database_url is not None
        folder = None if on_a_server else self.settings.instance
        return Room(folder=folder, floors=self.floors)


def build_installation(
    settings: Settings,
    *,
    bell: Bell | None = None,
    sandbox_port: Callable[[], int | None] = lambda: None,
    warn: Callable[[str], None] = log.warning,
) -> Installation:
    """The database attached and migrated, the keys read. Raises CannotStart."""
    attached = database.attach(settings)
    database.migrate(attached)
    return Installation(
        settings=settings,
        writer=Writer(attached),
        vault=open_vault(settings),
        catalogue=Catalogue.load(settings.instance / "providers", warn),
        bell=bell or SilentBell(),
        sandbox_port=sandbox_port,
    )

"""What every test may ask for: a database, an installation, and three people.

`database` is SQLite: a test that asks for `both_databases` too runs on each
engine. Each test has its own copy of a migrated template. This thread has a
connection; a thread that a test starts works inside `connection()`.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import peewee
import pytest

from portal.config import Settings
from portal.store import database as store
from portal.store.vault import open_vault
from tests import postgres
from tests.people import Factory

if TYPE_CHECKING:
    from portal.services.actor import Actor
    from portal.services.installation import Installation

pytest_plugins = [
    "tests.relays.fixtures",
    "tests.relays.places",
    "tests.chromium",
    "tests.visitors",
]

for name in [name for name in os.environ if name.startswith("PORTAL_")]:
    del os.environ[name]  # the tests' own settings are the only ones


@pytest.fixture(params=["sqlite", "postgresql"])
def both_databases(request: pytest.FixtureRequest) -> str:
    """Run this test on each engine. Ask for it beside `database`."""
    return str(request.param)


@pytest.fixture(scope="session")
def instance_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An instance folder with a migrated SQLite file and a master key."""
    folder = tmp_path_factory.mktemp("template") / "instance"
    _prepare(Settings(instance=folder))
    return folder


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    with postgres.server() as url:
        if url is None:
            pytest.skip(
                "There is no PostgreSQL: install Debian's package postgresql, or set"
                " TEST_POSTGRESQL_URL."
            )
        yield url


@pytest.fixture(scope="session")
def postgresql_template(
    postgresql_server: str, instance_template: Path
) -> Iterator[str]:
    """The name of a migrated database that tests copy."""
    with postgres.database(postgresql_server) as url:
        _prepare(Settings(instance=instance_template, database_url=url))
        yield urlsplit(url).path.strip("/")


@pytest.fixture
def settings(
    request: pytest.FixtureRequest, tmp_path: Path, instance_template: Path
) -> Iterator[Settings]:
    """Those of this test. A module overrides this to say more:
    `def settings(settings): return dataclasses.replace(settings, …)`."""
    instance = tmp_path / "instance"
    shutil.copytree(instance_template, instance)
    base = Settings(instance=instance, ehlo_name="portal.example.org")
    kind = "sqlite"
    if "both_databases" in request.fixturenames:
        kind = request.getfixturevalue("both_databases")
    if kind == "sqlite":
        yield base
        return
    server = request.getfixturevalue("postgresql_server")
    template = request.getfixturevalue("postgresql_template")
    with postgres.database(server, template) as url:
        yield dataclasses.replace(base, database_url=url)


@pytest.fixture
def database(settings: Settings) -> Iterator[peewee.Database]:
    """Attached, migrated, empty, and connected in this thread."""
    attached = store.attach(settings)
    with store.connection():
        yield attached
    store.detach()


@pytest.fixture
def installation(
    database: peewee.Database, settings: Settings
) -> Iterator[Installation]:
    """All but an engine: the bell is silent and there is no sandbox."""
    from portal.providers.catalogue import Catalogue
    from portal.services.bell import SilentBell
    from portal.services.installation import Installation
    from portal.store.room import Floors
    from portal.store.writer import Writer

    writer = Writer(database)
    yield Installation(
        settings=settings,
        writer=writer,
        vault=open_vault(settings),
        catalogue=Catalogue.load(),
        bell=SilentBell(),
        sandbox_port=lambda: None,
        floors=Floors(ballast_bytes=0),  # hundreds of engines need none
    )
    writer.close()


@pytest.fixture
def make(installation: Installation) -> Factory:
    """Rows that a test needs and does not talk about."""
    return Factory(installation)


@pytest.fixture
def owner(make: Factory) -> Actor:
    """The set-up account: owner of `Acme Inc` and operator."""
    return make.actor("owner", tenant="Acme Inc", email="owner@example.org")


@pytest.fixture
def admin(make: Factory, owner: Actor) -> Actor:
    return make.actor("admin", tenant="Acme Inc", email="admin@example.org")


@pytest.fixture
def viewer(make: Factory, owner: Actor) -> Actor:
    """Reads in the owner's tenant, and no more."""
    return make.actor("viewer", tenant="Acme Inc", email="viewer@example.org")


@pytest.fixture
def stranger(make: Factory, owner: Actor) -> Actor:
    """Owner of another tenant: every page and service of ours gives them nothing."""
    return make.actor("owner", tenant="Other Ltd", email="stranger@example.net")


def _prepare(settings: Settings) -> None:
    database = store.attach(settings)
    store.migrate(database)
    open_vault(settings)
    store.detach()


def pytest_configure(config: Any) -> None:
    """Files that tests make are private, as the portal's own are."""
    os.umask(0o077)

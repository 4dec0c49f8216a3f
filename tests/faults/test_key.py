"""Fault 44: the master key is wrong, lost or broken at the start."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from portal.crypto.seal import new_ring
from portal.secret import Secret
from portal.services.senders.sealing import Stamp, seal_secrets
from portal.store.fields import now
from portal.store.models import Note, SenderSecret, SenderVersion
from portal.store.vault import CANARY
from tests.faults.household import LIMITS, QUICK, House, inhabited
from tests.faults.invariants import rows_of
from tests.faults.test_database import served, until

PASSWORD = "correct horse"


def another(file: Path) -> None:
    file.write_text(new_ring() + "\n")


def lost(file: Path) -> None:
    file.unlink()


def truncated(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:20])


def empty(file: Path) -> None:
    file.write_bytes(b"")


def sealed(house: House) -> list[bytes]:
    """Everything that was sealed, byte for byte."""
    with inhabited(house.settings):
        secrets = [bytes(row.sealed) for row in SenderSecret.select()]
        return [*secrets, bytes(Note.get_by_id(CANARY).value)]


def keep_password(house: House) -> None:
    with inhabited(house.settings) as make:
        seal_secrets(
            make.installation.vault,
            SenderVersion.get(),
            {"password": Secret(PASSWORD)},
            {"password": Stamp(at=now(), by=None)},
        )


@pytest.mark.parametrize("key_is", [another, lost, truncated, empty])
def test_key_does_not_fit(
    cradle, home, sink, told, key_is: Callable[[Path], None]
) -> None:
    """Locked: the web answers, mail is kept, nothing is sent, nothing sealed is
    touched; with the right key it goes on as if nothing had been."""
    relay = sink(users={"kim": PASSWORD}, clear_auth=True)
    house = home(relay, auth="password", username="kim")
    house.env["PORTAL_CLEARTEXT_AUTH"] = f"127.0.0.1:{relay.port}"
    keep_password(house)
    file = house.settings.instance / "master.key"
    right, before = file.read_bytes(), sealed(house)
    key_is(file)
    wrong = file.read_bytes() if file.exists() else None

    child = cradle.bear(
        "serve",
        house.folder,
        env=house.env,
        timing=QUICK,
        limits=LIMITS,
        port=house.port,
    )
    until(lambda: answers(house), child)
    status, said = house.ask("GET", "/readyz")
    posted = house.post("kept")
    until(lambda: bool(rows_of(house)), child)
    until(lambda: rows_of(house)[0].state == "deferred", child)
    assert child.stop() == 0, child.said[-3000:]

    assert (status, said["checks"]["key"]) == (503, "locked")
    assert posted == 202
    assert relay.mails == []
    assert sealed(house) == before
    assert (file.read_bytes() if file.exists() else None) == wrong
    file.write_bytes(right)
    file.chmod(0o600)
    child = served(cradle, house)
    until(lambda: rows_of(house)[0].state == "sent", child)
    child.stop()
    assert [mail.user for mail in relay.mails] == ["kim"]
    name = key_is.__name__
    told(44, f"the master key is {name}", "locked, sealed bytes equal, then sent once")


def answers(house: House) -> bool:
    try:
        return house.ask("GET", "/healthz")[0] == 200
    except OSError:
        return False

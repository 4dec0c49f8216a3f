"""The layers of the house hold, and the test that says so can fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.house.plan import HOUSE, complaints


def test_the_house_stands_on_its_plan():
    """Imports go down, rooms of one floor are strangers, one door per library."""
    assert complaints(HOUSE) == []


BROKEN = {
    "upwards": ({"net/guard.py": "from portal.services import sending"}, "is above"),
    "upwards in a function": (
        {"store/writer.py": "def f():\n    from portal.engine import engine"},
        "is above",
    ),
    "one floor": (
        {"web/overview.py": "from portal.engine.engine import E"},
        "on one floor",
    ),
    "a relative one": ({"mail/x.py": "from ..store import writer"}, "on one floor"),
    "a stranger": ({"delivery/x.py": "import portal.store.writer"}, "does not know"),
    "another stranger": (
        {"diagnosis/x.py": "from portal.providers import catalogue"},
        "does not know",
    ),
    "aiosmtplib": ({"services/x.py": "import aiosmtplib"}, "door to aiosmtplib"),
    "dnspython": ({"net/guard.py": "import dns.asyncresolver"}, "door to dns"),
    "cryptography": (
        {"store/vault.py": "from cryptography.hazmat import primitives"},
        "door to cryptography",
    ),
    "peewee": ({"web/x.py": "from peewee import fn"}, "door to peewee"),
    "aiosmtpd": ({"cli/x.py": "from aiosmtpd.smtp import SMTP"}, "door to aiosmtpd"),
    "flask": ({"services/x.py": "from flask import g"}, "door to flask"),
    "smtplib": ({"delivery/x.py": "import smtplib"}, "door to smtplib"),
    "a circle": (
        {
            "mail/a.py": "from portal.mail import b",
            "mail/b.py": "from portal.mail.c import x",
            "mail/c.py": "def f():\n    from . import a",
        },
        "circle: portal.mail.a -> portal.mail.b -> portal.mail.c -> portal.mail.a",
    ),
    "a new room": ({"cellar/x.py": "import os"}, "not on the plan"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_house_is_told(tmp_path: Path, name: str):
    """Each way to break the plan gives its own complaint and no other."""
    broken, words = BROKEN[name]
    _build(tmp_path, broken)

    found = complaints(tmp_path)

    assert found
    assert [each for each in found if words not in each] == []


def test_a_sound_house_is_left_alone(tmp_path: Path):
    """Downward imports, a room's own files and open doors bring no complaint."""
    sound = {
        "cli/__init__.py": "from portal.app import create_app",
        "web/x.py": "import flask\nfrom portal.services import sending",
        "services/sending.py": "import peewee\nfrom portal import __version__",
        "net/reading.py": "from dns import rdata\nfrom . import guard",
        "net/guard.py": "from portal.errors import Invalid",
        "config.py": "from portal.secret import Secret",
        "app.py": "from flask import Flask",
    }
    _build(tmp_path, sound)

    assert complaints(tmp_path) == []


def _build(house: Path, contents: dict[str, str]) -> None:
    plain = ("errors", "secret", "store/writer", "services/sending", "engine/engine")
    for name in (*plain, "providers/catalogue", "net/guard", "__init__"):
        contents.setdefault(f"{name}.py", "")
    for name in list(contents):
        if "/" in name:
            contents.setdefault(f"{name.split('/')[0]}/__init__.py", "")
    for name, text in contents.items():
        path = house / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

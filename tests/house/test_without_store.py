"""`try`, `explain`, `find` and `providers` need no database: they run with its door shut."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink

from tests.serving import environment, free_port

SHUT = """
import sys

class Shut:
    def find_spec(self, name, path=None, target=None):
        if (name + ".").startswith(("portal.store.", "peewee.", "flask.")):
            raise ImportError(f"{name} is shut")

sys.meta_path.insert(0, Shut())
from portal.cli import main
main()
"""


@pytest.fixture
def relay() -> Iterator[int]:
    controller = Controller(Sink(), hostname="127.0.0.1", port=free_port())
    controller.start()
    yield controller.port
    controller.stop()


def portal(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", SHUT, *words]
    return subprocess.run(
        command, env=environment(), capture_output=True, text=True, timeout=60
    )


def test_try_sends_without_the_store(relay: int):
    """A mail goes out from the terminal, and nothing asks for the database."""
    to = ["--from", "app@one.example", "--to", "pat@two.example"]
    how = ["--security", "none", "--auth", "none"]

    done = portal(
        "try", "--host", "127.0.0.1", "--port", str(relay), *how, *to, "--json"
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["outcome"] == "sent"


def test_explain_explains_without_the_store():
    """A pasted reply is explained."""
    done = portal("explain", "--json", "535 5.7.8 Authentication failed")

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["cause"] == "auth_bad_credentials"


def test_providers_are_listed_without_the_store():
    """The catalogue is read from its files."""
    done = portal("providers", "--json")

    assert (done.returncode, done.stderr) == (0, "")
    assert "amazon_ses" in done.stdout


def test_find_looks_without_the_store():
    """An address of loopback where nobody listens: it says so, and that is all."""
    done = portal("find", "127.9.9.9", "--timeout", "2", "--json")

    assert (done.returncode, done.stderr) == (1, "")
    assert json.loads(done.stdout)["asked"] == "127.9.9.9"


def test_the_door_is_really_shut():
    """A command that needs the database fails here, so the four above prove it."""
    done = portal("tenant", "list")

    assert done.returncode != 0
    assert "is shut" in done.stderr

"""The command `portal` itself: its list of commands, its errors, its speed."""

from __future__ import annotations

import subprocess
import sys

import click
from click.testing import CliRunner

from portal.cli import main
from portal.errors import CannotStart
from tests.serving import environment

LISTING = """
import sys
from click.testing import CliRunner
from portal.cli import main
CliRunner().invoke(main, ["--help"], catch_exceptions=False)
print(*sorted(name for name in sys.modules if name.startswith("portal")))
"""

# Everything that a process which serves has, up to its first answer.
STARTING = """
import sys
from portal.cli import main
main(["serve", "--help"], standalone_mode=False)
from portal import web
from importlib import import_module
for noun in web.NOUNS:
    import_module(f"portal.web.{noun}")
print(*sorted(name for name, module in sys.modules.items() if module))
"""
# None of these is needed by an answer, and each takes 10 to 50 ms to import.
HEAVY = {"dns", "zxcvbn", "scramp", "cryptography.x509"}
RARE = {
    "portal.deliverability.report",
    "portal.services.domains.proof",
    "portal.services.explaining",
}


def test_help_names_every_command():
    """`portal --help` lists the commands of the contract."""
    answer = CliRunner().invoke(main, ["--help"])

    for name in [
        "serve",
        "worker",
        "setup",
        "tenant",
        "user",
        "key",
        "sender",
        "try",
        "explain",
    ]:
        assert f"\n  {name} " in answer.output
    assert answer.exit_code == 0


def test_help_imports_no_command():
    """The list is quick because it imports nothing but the group."""
    done = subprocess.run(
        [sys.executable, "-c", LISTING], capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == ["portal", "portal.cli", "portal.errors"]


def test_a_start_imports_nothing_heavy():
    """A process that serves from SQLite waits for no library that it may never use."""
    done = subprocess.run(
        [sys.executable, "-c", STARTING],
        capture_output=True,
        text=True,
        check=True,
        env=environment(),
    )

    imported = set(done.stdout.split())
    assert {"portal.web.entry", "peewee"} <= imported
    assert imported.isdisjoint(HEAVY | RARE)


def test_unknown_command_is_one_sentence():
    """A wrong word is a usage error: exit status 2, one line, no traceback."""
    answer = CliRunner().invoke(main, ["nonesuch"])

    assert answer.exit_code == 2
    assert answer.stderr == "portal: No such command 'nonesuch'.\n"
    assert answer.stdout == ""


def test_missing_choice_is_one_line():
    """Click lists the choices on lines of their own; a script reads one."""
    answer = CliRunner().invoke(main, ["try", "--host", "relay.test", "--port", "25"])

    assert answer.exit_code == 2
    assert answer.stderr.count("\n") == 1
    assert "--security" in answer.stderr


def test_without_a_command_the_help_is_shown():
    answer = CliRunner().invoke(main, [])

    assert answer.exit_code == 2
    assert "Usage:" in answer.stderr


def test_fault_of_the_caller_is_one_sentence(monkeypatch):
    """Whatever a service raises ends as its sentence and exit status 2."""

    @click.command()
    def broken():
        raise CannotStart("The database is newer than this portal.")

    monkeypatch.setattr(type(main), "get_command", lambda *_: broken)

    answer = CliRunner().invoke(main, ["broken"])

    assert answer.exit_code == 2
    assert answer.stderr == "portal: The database is newer than this portal.\n"

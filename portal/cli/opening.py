"""What every command with a database does first: settings, database, installation."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from portal.config import Settings
from portal.services.actor import Actor
from portal.services.installation import build_installation
from portal.store import database


def load_settings() -> Settings:
    """Those of the environment. What is made from here on is the owner's alone."""
    os.umask(0o077)
    return Settings.load(warn=warn)


def warn(sentence: str) -> None:
    click.echo(f"portal: {sentence}", err=True)


@contextmanager
def opened() -> Iterator[Actor]:
    """The operator's shell on a migrated database, connected in this thread.

    Whoever polls finds what a command leaves: its bell is silent, and it runs no
    sandbox. Raises CannotStart.
    """
    settings = load_settings()
    try:
        installation = build_installation(settings, warn=warn)
        try:
            with database.connection():
                yield Actor(installation=installation, system="command line")
        finally:
            installation.writer.close()
    finally:
        database.detach()


def answer(as_json: bool, document: dict[str, Any], *lines: str) -> None:
    """One JSON document on standard output, or lines for people."""
    if as_json:
        click.echo(json.dumps(document))
        return
    for line in lines:
        click.echo(line)

"""`portal worker`: an engine without the web, nor anything that only pages need."""

from __future__ import annotations

import logging

import click

from portal.cli.ending import end_on_signals, leave
from portal.cli.opening import load_settings
from portal.cli.process import harden, running

log = logging.getLogger(__name__)


@click.command()
def worker() -> None:
    """Start an engine without the web, beside others on one database."""
    settings = load_settings()
    harden(settings)
    with running(settings, sandbox=False) as process:
        end_on_signals(process)
        log.info("working")
        process.stopping.wait()
    leave(process)

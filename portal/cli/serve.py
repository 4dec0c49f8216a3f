"""`portal serve` and `portal worker`: the processes that stay."""

from __future__ import annotations

import logging
import os
import signal
import sys
from contextlib import suppress
from typing import NoReturn

import click

from portal.app import create_app
from portal.cli.http_server import HttpServer, listen, origin
from portal.cli.opening import load_settings
from portal.cli.process import UNSETTLED, Process, harden, running
from portal.cli.signals import on_signals
from portal.services import accounts
from portal.services.installation import Installation
from portal.store import database

log = logging.getLogger(__name__)

ENDS = (signal.SIGTERM, signal.SIGINT)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8025, show_default=True)
@click.option("--no-sandbox", is_flag=True, help="Without the capturing SMTP server.")
def serve(host: str, port: int, no_sandbox: bool) -> None:
    """Start the web server, the engine and the sandbox.

    On an empty database it prints a link that sets the portal up, once.
    """
    settings = load_settings()
    harden(settings)
    listening = listen(host, port)
    url = origin(listening)
    with running(settings, sandbox=not no_sandbox) as process:
        server = HttpServer(create_app(installation=process.installation), listening)
        _end_on_signals(process, server)
        _invite(process.installation, settings.base_url or url)
        log.info("serving on %s", url)
        server.run()
    _leave(process)


@click.command()
def worker() -> None:
    """Start an engine without the web, beside others on one database."""
    settings = load_settings()
    harden(settings)
    with running(settings, sandbox=False) as process:
        _end_on_signals(process, None)
        log.info("working")
        process.stopping.wait()
    _leave(process)


def _end_on_signals(process: Process, server: HttpServer | None) -> None:
    def end(number: int) -> None:
        process.on_signal(number)
        if server:
            server.stop()

    on_signals(ENDS, end)


def _leave(process: Process) -> NoReturn:
    """All is drained and closed. A thread of the HTTP server may still hold the
    connection that a browser keeps, and would abort if the interpreter were taken
    down beneath it: so it is left standing, and the process ends."""
    if process.settled:
        log.info("stopped")
    else:
        log.warning("stopped; what did not end in time is taken up at the next start")
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(0 if process.settled else UNSETTLED)


def _invite(installation: Installation, url: str) -> None:
    """The one line for whoever starts on an empty database."""
    with database.connection():
        if accounts.has_people():
            return
        token = accounts.make_setup_link(installation)
    click.echo(f"Set up the portal, once, at {url}/set-up/{token}")

"""`portal serve`: the web, the engine and the sandbox in one process."""

from __future__ import annotations

import logging

import click

from portal.app import create_app
from portal.cli.ending import end_on_signals, leave
from portal.cli.http_server import HttpServer, listen, origin
from portal.cli.opening import load_settings
from portal.cli.process import harden, running
from portal.services import accounts
from portal.services.installation import Installation
from portal.store import database

log = logging.getLogger(__name__)


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
        end_on_signals(process, server.stop)
        _invite(process.installation, settings.base_url or url)
        log.info("serving on %s", url)
        server.run()
    leave(process)


def _invite(installation: Installation, url: str) -> None:
    """The one line for whoever starts on an empty database."""
    with database.connection():
        if accounts.has_people():
            return
        token = accounts.make_setup_link(installation)
    click.echo(f"Set up the portal, once, at {url}/set-up/{token}")

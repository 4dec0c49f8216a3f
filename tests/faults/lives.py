"""What a child of the cradle does: the portal's own parts with shorter patience."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from portal.app import create_app
from portal.cli.http_server import HttpServer, listen
from portal.cli.opening import load_settings
from portal.cli.process import UNSETTLED, harden, running
from portal.cli.signals import on_signals
from portal.config import Settings
from portal.delivery.types import Limits
from portal.services.outbox.timing import Timing
from portal.store import database

AWAKE = "{} hears signals"


def serve(*, timing: Timing, limits: Limits, port: int) -> None:
    """`portal serve --no-sandbox`."""
    settings = load_settings()
    harden(settings)
    listening = listen("127.0.0.1", port)
    with running(settings, sandbox=False, timing=timing, limits=limits) as process:
        server = HttpServer(create_app(installation=process.installation), listening)

        def end(number: int) -> None:
            process.on_signal(number)
            server.stop()

        on_signals((signal.SIGTERM,), end)
        server.run()
    if not process.settled:
        raise SystemExit(UNSETTLED)


def worker(*, timing: Timing, limits: Limits) -> None:
    """`portal worker`."""
    settings = load_settings()
    harden(settings)
    with running(settings, sandbox=False, timing=timing, limits=limits) as process:
        on_signals((signal.SIGTERM,), process.on_signal)
        print(AWAKE.format(os.getpid()), flush=True)
        process.stopping.wait()
    if not process.settled:
        raise SystemExit(UNSETTLED)


def migrate(*, timing: Timing, limits: Limits, instance: str, url: str | None) -> None:
    """What every command does first."""
    settings = Settings(instance=Path(instance), database_url=url)
    attached = database.attach(settings)
    database.migrate(attached)
    database.detach()

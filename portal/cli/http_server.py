"""The one door to granian: its worker as a thread of this very process.

Granian runs its worker beside a supervisor. Here the engine, its bell and the
sandbox live in the process that answers requests, and `kill -9` of the one process
that people see must leave nothing behind that holds the port.
"""

from __future__ import annotations

import errno
import signal
import socket
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces, Loops
from granian.log import LogLevels
from granian.server.mt import MTServer

from portal.errors import CannotStart

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

THREADS = 32  # requests at work; fewer share a COMMIT less often
OPEN = 256  # requests taken in; more wait in the socket
BACKLOG = 1024
IDLE_S = 30
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # Granian takes them

# Granian configures logging by itself; ours stays as it is, and gets its errors.
_LOGGING: dict[str, Any] = {
    "formatters": {},
    "handlers": {},
    "loggers": {"_granian": {"handlers": [], "propagate": True}},
}


def listen(host: str, port: int) -> socket.socket:
    """A listening socket before anything else is started. Raises CannotStart."""
    try:
        family, kind, proto, _, where = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, proto)
    except OSError as error:
        raise CannotStart(
            f"The address {host} cannot be used: {_why(error)}."
        ) from None
    try:
        # Without SO_REUSEPORT: two portals must never share a port unawares.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(where)
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise CannotStart(
                f"Port {port} on {host} is in use by another program; choose another"
                " one with --port."
            ) from None
        raise CannotStart(
            f"Port {port} on {host} cannot be used: {_why(error)}."
        ) from None
    listening.setblocking(False)
    return listening


def origin(listening: socket.socket) -> str:
    """The URL at which this machine reaches the socket."""
    address, port = listening.getsockname()[:2]
    if ip_address(address).is_unspecified:
        address = "::1" if ":" in address else "127.0.0.1"
    return (
        f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"
    )


class HttpServer:
    """Serves one WSGI application on a socket, in the main thread, until `stop()`.

    Requests under way are answered before `run` returns; connections are refused
    from the stop on. Signals are the caller's.
    """

    def __init__(self, app: WSGIApplication, listening: socket.socket) -> None:
        self._app = app
        self._server = _InThisProcess(
            "portal",
            interface=Interfaces.WSGI,
            http=HTTPModes.http1,
            loop=Loops.asyncio,
            websockets=False,
            workers=1,
            blocking_threads=THREADS,
            blocking_threads_idle_timeout=IDLE_S,
            backpressure=OPEN,
            backlog=BACKLOG,
            log_level=LogLevels.error,
            log_dictconfig=_LOGGING,
        )
        self._server.listening = listening

    def run(self) -> None:
        self._server.serve(target_loader=lambda: self._app, wrap_loader=False)

    def stop(self) -> None:
        """At any time, also before `run`, and from a signal handler."""
        self._server.interrupt_signal = True
        self._server.main_loop_interrupt.set()


class _InThisProcess(MTServer):
    """Granian's server of threads wants an interpreter without the GIL, because
    several workers in one process pay only there. One worker needs no such thing:
    its sockets are Rust's, its threads wait on the database."""

    listening: socket.socket

    def startup(self, spawn_target: Any, target_loader: Any) -> None:
        handlers = {each: signal.getsignal(each) for each in _SIGNALS}
        super().startup(spawn_target, target_loader)  # type: ignore[no-untyped-call]  # theirs
        for each, handler in handlers.items():
            signal.signal(each, handler)

    def _check_gil(self) -> None:
        return

    def _init_shared_socket(self) -> None:
        # Granian's own would be opened with SO_REUSEPORT.
        self._ssp = None
        # Its stub leaves out what its own pickling gives: descriptor, unix?, backlog.
        holder: Any = SocketHolder
        self._shd = holder(self.listening.detach(), False, BACKLOG)


def _why(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()

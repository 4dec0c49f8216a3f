"""The web server: answers, drains, and never shares its port unawares."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from portal.cli.http_server import THREADS, HttpServer, listen, origin
from portal.errors import CannotStart

# Signals belong to the main thread, and one process has one of them.
pytestmark = pytest.mark.xdist_group("http_server")


class App:
    """Answers with what it saw of the request; `/slow` waits until `go` is set."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.waiting = threading.Semaphore(0)
        self.seen: list[dict[str, Any]] = []

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        body = environ["wsgi.input"].read()
        self.seen.append({**environ, "body": body})
        if environ["PATH_INFO"] == "/slow":
            self.waiting.release()
            assert self.go.wait(20)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [environ["PATH_INFO"].encode()]


def ask(port: int, path: str, body: bytes | None = None) -> bytes:
    talking = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        talking.request("POST" if body else "GET", path, body)
        return talking.getresponse().read()
    finally:
        talking.close()


def serve(app: App, visit: Callable[[int, HttpServer], Any]) -> Any:
    """Run the server in this thread while `visit` is in another; what it answers."""
    listening = listen("127.0.0.1", 0)
    port = listening.getsockname()[1]
    server = HttpServer(app, listening)
    answers: list[Any] = []

    def client() -> None:
        try:
            answers.append(visit(port, server))
        except BaseException as error:
            answers.append(error)
        finally:
            server.stop()

    visitor = threading.Thread(target=client)
    visitor.start()
    server.run()
    visitor.join(20)
    [answer] = answers
    if isinstance(answer, BaseException):
        raise answer
    return answer


def test_a_request_reaches_the_application_whole():
    app = App()
    body = bytes(range(256)) * 20_000  # 5 MB

    assert serve(app, lambda port, _: ask(port, "/big", body)) == b"/big"

    [seen] = app.seen
    assert seen["body"] == body
    assert seen["REMOTE_ADDR"] == "127.0.0.1"
    assert int(seen["CONTENT_LENGTH"]) == len(body)


def test_requests_wait_beside_each_other():
    app = App()

    def visit(port: int, _: HttpServer) -> list[bytes]:
        answers: list[bytes] = []
        clients = [
            threading.Thread(target=lambda: answers.append(ask(port, "/slow")))
            for _ in range(THREADS)
        ]
        for client in clients:
            client.start()
        for _ in clients:
            assert app.waiting.acquire(timeout=20)
        app.go.set()
        for client in clients:
            client.join()
        return answers

    assert serve(app, visit) == [b"/slow"] * THREADS


def test_a_stop_answers_what_is_under_way_and_refuses_what_is_new():
    app = App()

    def visit(port: int, server: HttpServer) -> tuple[bytes, bool]:
        answers: list[bytes] = []
        client = threading.Thread(target=lambda: answers.append(ask(port, "/slow")))
        client.start()
        assert app.waiting.acquire(timeout=20)
        server.stop()
        refused = is_refused(port)
        app.go.set()
        client.join()
        return answers[0], refused

    assert serve(app, visit) == (b"/slow", True)


def test_an_idle_connection_does_not_hold_up_the_stop():
    app = App()

    def visit(port: int, server: HttpServer) -> bytes:
        idle = socket.create_connection(("127.0.0.1", port), timeout=20)
        idle.sendall(b"GET /one HTTP/1.1\r\nHost: x\r\n\r\n")
        received = b""
        while not received.endswith(b"/one"):
            received += idle.recv(4096)
        server.stop()
        with idle:
            return idle.recv(4096)  # the end, not a time-out

    assert serve(app, visit) == b""


def test_a_stop_before_the_start_is_not_forgotten():
    server = HttpServer(App(), listen("127.0.0.1", 0))

    server.stop()

    server.run()


def test_a_port_in_use_is_one_sentence():
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotStart) as refused:
            listen("127.0.0.1", port)

    assert refused.value.sentence == (
        f"Port {port} on 127.0.0.1 is in use by another program; choose another one"
        " with --port."
    )


def test_an_address_that_is_not_ours_is_one_sentence():
    with pytest.raises(CannotStart, match=r"192\.0\.2\.1"):
        listen("192.0.2.1", 0)


def test_a_socket_tells_where_it_is_reached():
    with listen("127.0.0.1", 0) as one, listen("0.0.0.0", 0) as every:
        port, other = one.getsockname()[1], every.getsockname()[1]
        assert origin(one) == f"http://127.0.0.1:{port}"
        assert origin(every) == f"http://127.0.0.1:{other}"


def is_refused(port: int) -> bool:
    """Whether connections come to be refused: the stop works on another thread."""
    ends_at = time.monotonic() + 10
    while time.monotonic() < ends_at:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            return True
    return False

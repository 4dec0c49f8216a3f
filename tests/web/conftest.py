"""The application on a port of loopback, as a browser needs it."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from werkzeug.serving import make_server

from portal.app import create_app


@pytest.fixture
def served(installation) -> Iterator[tuple[Flask, str]]:
    """The application on a port of loopback, as a browser needs it."""
    app = create_app(
        installation=dataclasses.replace(installation, sandbox_port=lambda: 24_680)
    )
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield app, f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()

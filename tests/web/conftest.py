"""The application of the tests' own installation, and four people who visit it."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from werkzeug.serving import make_server

from portal.app import create_app
from portal.services.actor import Actor
from portal.services.installation import Installation
from tests.browsing import Visitor


@pytest.fixture
def app(installation: Installation) -> Flask:
    return create_app(installation=installation)


@pytest.fixture
def nobody(app: Flask) -> Visitor:
    """Has not signed in."""
    return Visitor(app)


@pytest.fixture
def as_owner(app: Flask, owner: Actor) -> Visitor:
    return Visitor(app, owner)


@pytest.fixture
def as_admin(app: Flask, admin: Actor) -> Visitor:
    return Visitor(app, admin)


@pytest.fixture
def as_viewer(app: Flask, viewer: Actor) -> Visitor:
    return Visitor(app, viewer)


@pytest.fixture
def as_stranger(app: Flask, stranger: Actor) -> Visitor:
    return Visitor(app, stranger)


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

"""The application of the tests' own installation, and who visits it."""

from __future__ import annotations

import pytest
from flask import Flask

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

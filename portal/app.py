"""The application factory: settings, database, pages and the API; starts nothing."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from pathlib import Path

from flask import Flask, g, request
from htmx_flask import Htmx

from portal import api, web
from portal.config import Settings
from portal.services.installation import Installation, build_installation
from portal.store import database
from portal.web.proxies import TrustedProxies

log = logging.getLogger(__name__)

FORM_BYTES = 256 * 1024
FORM_PARTS = 100
WITHOUT_DATABASE = (None, "static", "health.healthz", "health.readyz")


def create_app(
    settings: Settings | None = None, installation: Installation | None = None
) -> Flask:
    """The whole portal as one WSGI application.

    Without an installation one is built whose bell is silent: an engine in
    another process finds the work by looking. Raises CannotStart.
    """
    if installation is None:
        settings = settings or Settings.load(warn=log.warning)
        installation = build_installation(settings)
    app = Flask(
        "portal",
        static_folder=folder("static"),
        static_url_path="/static",
        template_folder=folder("templates"),
    )
    Htmx(app)
    app.extensions["portal"] = installation
    _limit(app, installation.settings)
    _connect(app)
    web.register(app)
    api.register(app)
    return app


def folder(name: str) -> str:
    """In a wheel `portal/NAME`, in the source tree `NAME` beside the package."""
    package = Path(__file__).parent
    for place in (package / name, package.parent / name):
        if place.is_dir():
            return str(place)
    raise FileNotFoundError(f"{name}/ is neither in the package nor beside it.")


def _limit(app: Flask, settings: Settings) -> None:
    """Sizes of requests (`/send` raises its own), and the proxies believed."""
    app.config["MAX_CONTENT_LENGTH"] = FORM_BYTES
    app.config["MAX_FORM_MEMORY_SIZE"] = FORM_BYTES
    app.config["MAX_FORM_PARTS"] = FORM_PARTS
    if settings.trusted_proxies:
        trusting = TrustedProxies(app.wsgi_app, settings.trusted_proxies)
        app.wsgi_app = trusting  # type: ignore[method-assign]


def _connect(app: Flask) -> None:
    """One connection a request, taken before its page and given back after it."""

    @app.before_request
    def take() -> None:
        if request.endpoint not in WITHOUT_DATABASE:
            g.connection = ExitStack()
            g.connection.enter_context(database.connection())

    @app.teardown_request
    def give_back(_error: BaseException | None) -> None:
        held: ExitStack | None = g.pop("connection", None)
        if held:
            held.close()

"""HTTP for programs: `/send`, health, metrics and their description.

Bearer keys instead of cookies, so there is no session and nothing to forge;
errors are RFC 9457 problems.
"""

from __future__ import annotations

from flask import Flask

from portal.api.health import api as health_api
from portal.api.openapi import api as openapi_api
from portal.api.send import api as send_api


def register(app: Flask) -> None:
    app.register_blueprint(send_api)
    app.register_blueprint(health_api)
    app.register_blueprint(openapi_api)

"""Platform: what the environment says and how the installation does."""

from __future__ import annotations

from flask import Response

from portal.services import platform
from portal.web import access, fragments

pages = access.blueprint("platform", __name__)

SECURITY = {
    "starttls": "STARTTLS",
    "tls": "TLS from the start",
    "none": "no encryption",
}


@pages.get("/platform")
def show() -> Response:
    found = platform.look(access.visitor())
    wanting = [check for check in found.checks if check.state != "pass"]
    return fragments.page(
        "platform/page.html",
        platform=found,
        wanting=len(wanting),
        worst="fail" if any(c.state == "fail" for c in wanting) else "warn",
        security=SECURITY,
    )

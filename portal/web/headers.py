"""The headers of every answer."""

from __future__ import annotations

from flask import Response, request

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; frame-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
# A mail that is shown: nothing of it runs or is fetched, its own styles hold, and
# only our own page may frame it.
MAIL_CSP = (
    "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
    "frame-ancestors 'self'"
)
_YEAR_S = 31_536_000


def add(response: Response) -> Response:
    headers = response.headers
    headers.setdefault("Content-Security-Policy", CSP)
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "same-origin"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
    if request.endpoint == "static":
        # `static_url` puts a fingerprint into `v`: what it names never changes.
        if "v" in request.args and response.status_code == 200:
            headers["Cache-Control"] = f"public, max-age={_YEAR_S}, immutable"
        return response
    headers["Cache-Control"] = "no-store"
    response.vary.add("HX-Request")
    if request.is_secure:
        headers["Strict-Transport-Security"] = f"max-age={_YEAR_S}"
    return response

"""The pages: blueprints, a file a noun, and what they share."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path

from flask import Flask, url_for
from markupsafe import Markup

from portal.web import carried, crossing, errors, headers, notices, sessions, words

# A file a noun: each has `pages`, a blueprint made by `access.blueprint`.
NOUNS = (
    "entry",
    "set_up",
    "overview",
    "where",
    "finding",
    "advice",
    "senders",
    "live_tests",
    "certificates",
    "consents",
    "fallback",
    "deliverability",
    "deliverability_proof",
    "hand_over",
    "hand_over_link",
    "messages",
    "keys",
    "audit",
    "sandbox",
    "people",
    "tenants",
    "platform",
    "explain",
    "causes",
    "account",
)


def register(app: Flask) -> None:
    for noun in NOUNS:
        app.register_blueprint(import_module(f"portal.web.{noun}").pages)
    errors.register(app)
    app.after_request(headers.add)
    app.after_request(sessions.keep_form_token)
    app.after_request(carried.drop_taken)
    app.jinja_env.filters.update(words.FILTERS)
    app.jinja_env.globals.update(
        csrf_token=sessions.csrf_token,
        csrf_field=_csrf_field,
        notices=notices.notices,
        plain_http=crossing.plain_http,
        static_url=_static_url(Path(app.static_folder or "")),
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def _csrf_field() -> Markup:
    return Markup('<input type="hidden" name="{}" value="{}">').format(
        crossing.FIELD, sessions.csrf_token()
    )


def _static_url(root: Path) -> Callable[[str], str]:
    """Addresses of static files that change with the file, so that they may stay
    in the browser for good."""

    @cache
    def fingerprint(filename: str) -> str:
        return hashlib.sha256((root / filename).read_bytes()).hexdigest()[:12]

    def static_url(filename: str) -> str:
        return url_for("static", filename=filename, v=fingerprint(filename))

    return static_url

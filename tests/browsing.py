"""A person at a browser without a window: real cookies, real tokens, real forms."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from portal.services import sessions
from portal.services.actor import Actor
from portal.store.models import Person

HTMX = {"HX-Request": "true"}
_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
_HEADER = re.compile(r'"X-CSRF-Token": "([^"]+)"')


class Visitor:
    """One browser. `actor` None is nobody yet; `htmx` True asks as htmx does.

    `post` takes its token from the page that was seen last, as a form would.
    """

    def __init__(self, app: Flask, actor: Actor | None = None) -> None:
        self.client = app.test_client()
        self.token = ""
        if actor and actor.person:
            self.sign_in(actor)

    def sign_in(self, actor: Actor) -> None:
        assert actor.person
        row = Person.get_by_id(actor.person.id)
        begun = sessions.begin(
            actor.installation, row, ip="127.0.0.1", user_agent="tests"
        )
        self.client.set_cookie("portal", begun.token)
        self.token = begun.csrf

    def get(self, path: str, *, htmx: bool = False, **more: Any) -> TestResponse:
        response = self.client.get(path, headers=_headers(htmx), buffered=True, **more)
        html = response.get_data(as_text=True)
        if found := _TOKEN.search(html) or _HEADER.search(html):
            self.token = found[1]
        return response

    def post(
        self,
        path: str,
        data: Mapping[str, Any] | None = None,
        *,
        htmx: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> TestResponse:
        return self.client.post(
            path,
            data={"csrf_token": self.token, **(data or {})},
            headers={**_headers(htmx), **(headers or {})},
        )

    def follow(self, path: str, data: Mapping[str, Any] | None = None) -> str:
        """A plain form, and the page that its 303 leads to."""
        response = self.post(path, data)
        assert response.status_code == 303, response.get_data(as_text=True)
        return self.get(response.headers["Location"]).get_data(as_text=True)


def _headers(htmx: bool) -> dict[str, str]:
    return dict(HTMX) if htmx else {}

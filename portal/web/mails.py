"""A mail on a page: its forms, and the frame in which its HTML can do nothing."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from portal.mail.reading import Read
from portal.web.headers import MAIL_CSP

FORMS = ("html", "text", "headers", "source")


def forms_of(mail: Read, url: str) -> dict[str, Any]:
    """Which form is asked for, and the tabs; a mail without HTML begins as text."""
    there = [form for form in FORMS if form != "html" or mail.html is not None]
    asked = request.args.get("as", "")
    chosen = asked if asked in there else there[0]
    tabs = [(form, f"{url}?as={form}", form == chosen) for form in there]
    return {"form": chosen, "tabs": tabs, "mail": mail}


def frame(mail: Read) -> Response:
    """The HTML of a mail, alone, under a policy of its own."""
    response = Response(mail.html or "", content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = MAIL_CSP
    return response


def download(source: bytes, name: str) -> Response:
    response = Response(source, content_type="message/rfc822")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.eml"'
    return response

"""The body of a request, whatever its kind, as the one document that it means."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any

from flask import Request

from portal.api import strict_json
from portal.api.problems import Unsupported
from portal.errors import Invalid

BODY_BYTES = 35 * 1024 * 1024  # 25 MB of mail in base64
FORM_PARTS = 100
SEVERAL = ("to", "cc", "bcc", "reply_to")
_WITHIN = re.compile(r"(headers|tags)\[([^\[\]]+)\]")
_TAKEN = (
    "Send application/json, multipart/form-data or application/x-www-form-urlencoded."
)


def open_wide(request: Request) -> None:
    """Before the body is read: this address takes more than a form of a page."""
    request.max_content_length = BODY_BYTES
    request.max_form_memory_size = BODY_BYTES
    request.max_form_parts = FORM_PARTS


def read(request: Request) -> Any:
    """Raises Invalid, Unsupported; werkzeug's 413 for too much."""
    kind = request.mimetype
    if kind == "application/json":
        return strict_json.parse(request.get_data())
    if kind in ("multipart/form-data", "application/x-www-form-urlencoded"):
        return _form(request)
    raise Unsupported(_TAKEN)


def fingerprint(document: Any) -> str:
    """SHA-256 of the canonical request: what was asked, not how it was written."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _form(request: Request) -> dict[str, Any]:
    """Fields by name; repeated for lists, `tags[name]` for maps, files attached."""
    found: dict[str, Any] = {}
    for name in request.form:
        values = request.form.getlist(name)
        if name.startswith("{"):
            raise Unsupported(f"This looks like JSON in a form. {_TAKEN}")
        if within := _WITHIN.fullmatch(name):
            found.setdefault(within[1], {})[within[2]] = _one(name, values)
        elif name in SEVERAL:
            found[name] = values
        elif name == "expires_in_s":
            found[name] = _integer(name, _one(name, values))
        else:
            found[name] = _one(name, values)
    for name in request.files:
        if name != "attachments":
            raise Invalid(name, "A file goes into the field “attachments”.")
        found[name] = [_file(each) for each in request.files.getlist(name)]
    strict_json.check(found)
    return found


def _one(name: str, values: list[str]) -> str:
    if len(values) > 1:
        raise Invalid(name, "This field stands there twice.")
    return values[0]


def _integer(name: str, value: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", value):
        raise Invalid(name, "A whole number of seconds.")
    return int(value)


def _file(storage: Any) -> dict[str, str]:
    return {
        "filename": storage.filename or "attachment",
        "content": base64.b64encode(storage.read()).decode(),
        "content_type": storage.mimetype or "application/octet-stream",
    }

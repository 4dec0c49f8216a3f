"""Where a hand-over link leads: a person without an account gives what is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Response, request

from portal.errors import FieldError, Gone, Invalid
from portal.providers.types import Provider
from portal.services.guides import SECURITY, guide
from portal.services.senders import handing_over
from portal.services.senders.fields import SenderFields
from portal.services.senders.handed import OPTIONAL
from portal.services.senders.handing_over import Opened
from portal.services.senders.inputs import LONGEST_FILE
from portal.web import access, errors, fragments, sessions

pages = access.blueprint("hand_over_link", __name__, open_to_all=True)

PAGE, FRAGMENT = "hand_over/link.html", "hand_over/_link.html"
DONE_PAGE, DONE = "hand_over/done.html", "hand_over/_done.html"
_TYPE_AGAIN = "Type it again: it is not kept with a refused form."
_LABELS = {
    "oauth.token_url": "Token address",
    "oauth.client_id": "Client ID (application ID)",
    "oauth.client_secret": "Client secret",
    "oauth.service_account": "Key file of the service account (JSON)",
    "client_cert_file": "Certificate (PEM or PKCS 12)",
    "client_key_file": "Its key, if it is a file of its own",
    "client_passphrase": "Passphrase, if there is one",
    "host": "Host of the relay",
}
_SECRET = ("password", "oauth.client_secret", "client_passphrase")
_FILES = ("client_cert_file", "client_key_file")
_LONG = ("oauth.service_account",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One field of the form: `kind` is text, password, file or area."""

    name: str
    label: str
    kind: str
    value: str = ""
    help: str = ""
    error: str = ""
    optional: bool = False


@pages.get("/hand-over/<token>")
def show(token: str) -> Response:
    try:
        opened = handing_over.look(
            sessions.installation(), token, ip=request.remote_addr
        )
    except Gone as fault:
        return _gone(fault)
    return fragments.page(PAGE, **_shown(token, opened))


@pages.post("/hand-over/<token>")
def give(token: str) -> Response:
    try:
        opened = handing_over.look(
            sessions.installation(), token, ip=request.remote_addr
        )
        typed = {name: _typed(name) for name in opened.asked}
        handing_over.give(sessions.installation(), token, typed, ip=request.remote_addr)
    except Gone as fault:
        return _gone(fault)
    except Invalid as fault:
        shown = _shown(token, opened, typed=typed, faults=fault.errors)
        return fragments.answer(PAGE, FRAGMENT, 422, **shown)
    return fragments.answer(DONE_PAGE, DONE, by=opened.by)


def _typed(name: str) -> str | bytes:
    if name in _FILES:
        sent = request.files.get(name)
        return sent.read(LONGEST_FILE + 1) if sent else b""
    return request.form.get(name, "")


def _shown(
    token: str,
    opened: Opened,
    *,
    typed: dict[str, str | bytes] | None = None,
    faults: tuple[FieldError, ...] = (),
) -> dict[str, Any]:
    fields, settings = opened.fields, sessions.installation().settings
    boxes = tuple(
        _box(name, opened, typed or {}, [e.detail for e in faults if e.field == name])
        for name in opened.asked
    )
    return {
        "action": request.path,
        "opened": opened,
        "fields": fields,
        "security": SECURITY[fields.security],
        "guide": guide(settings, opened.provider, fields),
        "boxes": boxes,
        "uploads": any(box.kind == "file" for box in boxes),
        "others": [each.detail for each in faults if each.field not in opened.asked],
    }


def _box(
    name: str, opened: Opened, typed: dict[str, str | bytes], said: list[str]
) -> Box:
    provider, given = opened.provider, typed.get(name)
    kind = "file" if name in _FILES else "area" if name in _LONG else "text"
    kind = "password" if name in _SECRET else kind
    secret = kind != "text"
    if secret and given and not said:
        said = [_TYPE_AGAIN]
    shown = given if isinstance(given, str) else _now(name, opened.fields, provider)
    return Box(
        name=name,
        label=_label(name, provider),
        kind=kind,
        value="" if secret else shown,
        help=_help(name, provider),
        error=" ".join(said),
        optional=name in OPTIONAL,
    )


def _label(name: str, provider: Provider) -> str:
    own = {"username": provider.username_label, "password": provider.secret_label}
    return own.get(name) or _LABELS[name]


def _help(name: str, provider: Provider) -> str:
    if name == "oauth.token_url" and provider.oauth and "{" in provider.oauth.token_url:
        return "Put the ID of your own directory in the place of the braces."
    hints = {"username": provider.username_hint, "password": provider.secret_hint}
    return hints.get(name) or ""


def _now(name: str, fields: SenderFields, provider: Provider) -> str:
    """What stands there already and is no secret."""
    if name == "oauth.token_url":
        return provider.oauth.token_url if provider.oauth else ""
    if name == "oauth.client_id":
        return fields.oauth.client_id if fields.oauth else ""
    return {"host": fields.host or "", "username": fields.username}.get(name, "")


def _gone(fault: Gone) -> Response:
    return errors.show(410, fault.sentence, href="/sign-in", word="Sign in")

"""Quiet sentences beside the fields of a sender, while they are typed."""

from __future__ import annotations

from flask import request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from portal.errors import Missing
from portal.services.actor import Role
from portal.services.senders.fields import PASSWORD
from portal.services.senders.while_typing import TypedSoFar, typed_notes
from portal.web import access, fragments

pages = access.blueprint("advice", __name__)

ADVICE = "senders/_advice.html"
# A secret never stands in an address: its field asks by POST.
_BY_GET = frozenset({"username", "from_address"})


@pages.get("/t/<slug>/senders/advice/<name>")
def show(slug: str, name: str) -> Response:
    if name not in _BY_GET:
        raise Missing("There is no such field.")
    return _answer(slug, name, _typed(request.args))


@pages.post("/t/<slug>/senders/advice/password")
def show_for_secret(slug: str) -> Response:
    """Nothing of it is kept, logged or said again."""
    form = request.form
    return _answer(slug, PASSWORD, _typed(form, secret=form.get(PASSWORD, "")))


def _answer(slug: str, name: str, typed: TypedSoFar) -> Response:
    actor = access.tenant_actor(slug, Role.ADMIN)
    provider = actor.installation.catalogue.get(request.args.get("provider", ""))
    found = {note.field: note.detail for note in typed_notes(typed, provider)}
    return fragments.fragment(ADVICE, name=name, sentence=found.get(name, ""))


def _typed(given: MultiDict[str, str], *, secret: str = "") -> TypedSoFar:
    auth = given.get("auth", "")
    return TypedSoFar(
        host=given.get("host", ""),
        auth=auth,
        username=given.get("mailbox" if auth == "oauth2" else "username", ""),
        from_address=given.get("from_address", ""),
        secrets={PASSWORD: secret},
    )

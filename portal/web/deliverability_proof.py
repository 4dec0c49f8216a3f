"""Proof from a received mail: pasted or uploaded, read, and not kept."""

from __future__ import annotations

from typing import Any

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response
from wtforms import StringField, TextAreaField

from portal.errors import Fault, Invalid, TooMany
from portal.services.actor import Actor, Role
from portal.services.domains import proof
from portal.services.domains.proof_types import Adoptable
from portal.web import access, errors, fragments, notices
from portal.web.forms import PortalForm
from portal.web.sender_opening import opened

pages = access.blueprint("deliverability_proof", __name__)

PAGE, PROOF = "deliverability/proof.html", "deliverability/_proof.html"
FILE = "file"
_AT = "/t/<slug>/senders/<sender_id>/proof"
# Above the limit of one mail, so that the sentence about that is reached.
_ROOM_BYTES = 3 * proof.MOST_BYTES
_SHOWN_AGAIN = 64 * 1024


class ProofForm(PortalForm):
    raw = TextAreaField("Source of the received mail")


class AdoptForm(PortalForm):
    selectors = StringField("Selectors")
    signing_domain = StringField("Signing domain")
    return_path = StringField("Return-Path")


@pages.url_value_preprocessor
def _make_room(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """A whole mail is larger than any other form here."""
    request.max_content_length = _ROOM_BYTES
    request.max_form_memory_size = _ROOM_BYTES


@pages.errorhandler(RequestEntityTooLarge)
def _answer_too_much(_error: RequestEntityTooLarge) -> Response:
    return errors.show(413, proof.TOO_LARGE)


@pages.post(_AT)
def prove(slug: str, sender_id: str) -> Response:
    actor = access.tenant_actor(slug, Role.ADMIN)
    text = ProofForm().raw.data or ""
    try:
        found = proof.prove(actor, sender_id, _uploaded() or text.encode())
    except (Invalid, TooMany) as fault:
        status = 429 if isinstance(fault, TooMany) else 422
        return _refused(actor, sender_id, status, fault, text)
    context = _context(actor, sender_id)
    return fragments.answer(PAGE, PROOF, **context, proof=found)


@pages.post(f"{_AT}/adopt")
def adopt(slug: str, sender_id: str) -> Response:
    """What stands in the form is judged as the form of a sender is."""
    actor = access.tenant_actor(slug, Role.ADMIN)
    form = AdoptForm()
    found = Adoptable(
        selectors=tuple((form.selectors.data or "").split()),
        signing_domain=(form.signing_domain.data or "").strip(),
        return_path=(form.return_path.data or "").strip() or None,
    )
    try:
        saved = proof.adopt(actor, sender_id, found)
    except Invalid as fault:
        return _refused(actor, sender_id, 422, fault, "")
    notices.say(f"Version {saved.version} looks for what was found in the mail.")
    return fragments.go(f"/t/{slug}/senders/{sender_id}/deliverability")


def _uploaded() -> bytes:
    """A large one is kept in a file of its own, which ends here."""
    given = request.files.get(FILE)
    if given is None:
        return b""
    with given.stream as content:
        return content.read()


def _context(actor: Actor, sender_id: str) -> dict[str, Any]:
    return {"page": opened(actor, sender_id)}


def _refused(
    actor: Actor, sender_id: str, status: int, fault: Fault, text: str
) -> Response:
    """What was pasted stays in its place, unless it is very long."""
    again = text if len(text) <= _SHOWN_AGAIN else ""
    context = _context(actor, sender_id)
    told = {"proof_error": fault.sentence, "proof_text": again}
    return fragments.answer(PAGE, PROOF, status, **context, **told)

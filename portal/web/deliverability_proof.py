"""Proof from a received mail: pasted or uploaded, read, and not kept."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response
from wtforms import StringField, TextAreaField

from portal.errors import Fault, Invalid, TooMany
from portal.mail.received.reading import MOST_OCTETS
from portal.services.actor import Actor, Role
from portal.web import access, errors, fragments, notices
from portal.web.forms import PortalForm
from portal.web.sender_addresses import Addresses
from portal.web.sender_opening import opened
from portal.web.sender_words import OWN

if TYPE_CHECKING:
    from portal.services.domains.proof.types import Tied

pages = access.blueprint("deliverability_proof", __name__)

PAGE, PROOF = "deliverability/proof.html", "deliverability/_proof.html"
RAW, FILE = "raw", "file"
_AT = "/t/<slug>/senders/<sender_id>/proof"
# The file of a mail with 25 MB of attachments; what is pasted has to fit in memory.
_FILE_BYTES = 40 * 1024 * 1024
_PASTED_BYTES = 3 * MOST_OCTETS
TOO_LARGE = (
    "A file of more than 40 MB is not taken, and no more than 3 MB pasted: the header "
    "of the mail alone is enough."
)
_SHOWN_AGAIN = 64 * 1024


class ProofForm(PortalForm):
    """`again` is what was read before, for another reading of it."""

    raw = TextAreaField("Source of the received mail")
    again = StringField("The same mail")
    trusting = StringField("A gateway to trust")


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A mail and where it came from: `field` is that of the form."""

    content: bytes
    field: str
    text: str

    @property
    def again(self) -> str:
        """As it stands in the page, for a second reading; here it is not kept."""
        return base64.urlsafe_b64encode(self.content).decode()


class AdoptForm(PortalForm):
    selectors = StringField("Selectors")
    signing_domain = StringField("Signing domain")
    return_path = StringField("Return-Path")


@pages.url_value_preprocessor
def _make_room(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """A whole mail is larger than any other form here. Files go to the disk."""
    with_file = request.mimetype == "multipart/form-data"
    request.max_content_length = _FILE_BYTES if with_file else _PASTED_BYTES
    request.max_form_memory_size = _PASTED_BYTES


@pages.errorhandler(RequestEntityTooLarge)
def _answer_too_much(_error: RequestEntityTooLarge) -> Response:
    return errors.show(413, TOO_LARGE, href=_tab(), word="Back to the sender")


@pages.post(_AT)
def prove(slug: str, sender_id: str) -> Response:
    # Here, as what reads a mail takes long to import, and few ever bring one.
    from portal.services.domains import proof

    actor = access.tenant_actor(slug, Role.ADMIN)
    form = ProofForm()
    given = _given(form)
    trusting = form.trusting.data or None
    try:
        found = proof.prove(actor, sender_id, given.content, trusting=trusting)
    except (Invalid, TooMany) as fault:
        status = 429 if isinstance(fault, TooMany) else 422
        return _refused(actor, sender_id, status, fault, given)
    context = _context(actor, sender_id)
    tied_url = _page_of(slug, found.tied) if found.tied else ""
    return fragments.answer(
        PAGE, PROOF, **context, proof=found, given=given, tied_url=tied_url
    )


@pages.post(f"{_AT}/adopt")
def adopt(slug: str, sender_id: str) -> Response:
    """What stands in the form is judged as the form of a sender is."""
    from portal.services.domains import proof
    from portal.services.domains.proof.types import Adoptable

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
        nothing = Given(content=b"", field=RAW, text="")
        return _refused(actor, sender_id, 422, fault, nothing)
    notices.say(f"Version {saved.version} looks for what was found in the mail.")
    return fragments.go(_tab())


def _page_of(slug: str, tied: Tied) -> str:
    """Where the test or mail is shown that the received one came from."""
    if tied.kind == "message":
        return f"/t/{slug}/messages/{tied.id}"
    return Addresses(
        slug=slug,
        sender_id=tied.sender_id,
        provider_id=tied.provider_id or OWN,
        test_id=tied.id,
    ).shown_at


def _tab() -> str:
    """Of the sender that the request is about."""
    return request.path.rpartition("/proof")[0] + "/deliverability"


def _given(form: ProofForm) -> Given:
    text = form.raw.data or ""
    uploaded = _uploaded()
    if uploaded:
        return Given(content=uploaded, field=FILE, text=text)
    again = _octets(form.again.data or "")
    return Given(content=again or text.encode(), field=RAW, text=text)


def _uploaded() -> bytes:
    """A large one is kept in a file of its own, which ends here; one octet too many
    tells that there is more of it than is read."""
    given = request.files.get(FILE)
    if given is None:
        return b""
    with given.stream as content:
        return content.read(MOST_OCTETS + 1)


def _octets(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text)
    except (ValueError, binascii.Error):
        return b""


def _context(actor: Actor, sender_id: str) -> dict[str, Any]:
    return {"page": opened(actor, sender_id)}


def _refused(
    actor: Actor, sender_id: str, status: int, fault: Fault, given: Given
) -> Response:
    """What was pasted stays in its place, unless it is very long; a file has to be
    chosen again, so that its field says why."""
    again = given.text if len(given.text) <= _SHOWN_AGAIN else ""
    told: dict[str, Any] = {
        "proof_errors": {given.field: fault.sentence},
        "proof_text": again,
    }
    context = _context(actor, sender_id)
    return fragments.answer(PAGE, PROOF, status, **context, **told)

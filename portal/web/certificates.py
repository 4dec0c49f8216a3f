"""A client certificate looked at while it is chosen: nothing of it is kept."""

from __future__ import annotations

from flask import request
from werkzeug.wrappers import Response

from portal.crypto.certificates import BadCertificate, client_certificate, described
from portal.services.actor import Role
from portal.web import access, fragments
from portal.web.sender_forms import SenderForm
from portal.web.sender_opening import sent
from portal.web.sender_page import Page
from portal.web.sender_signing_in import Checked, shown
from portal.web.senders import PAGE

pages = access.blueprint("certificates", __name__)

CHECKED = "senders/_checked.html"


@pages.post("/t/<slug>/senders/certificate")
def check_unsaved(slug: str) -> Response:
    actor = access.tenant_actor(slug, Role.ADMIN)
    return _answer(sent(actor, provider_id=request.form.get("provider")))


@pages.post("/t/<slug>/senders/<sender_id>/certificate")
def check(slug: str, sender_id: str) -> Response:
    actor = access.tenant_actor(slug, Role.ADMIN)
    return _answer(sent(actor, sender_id=sender_id))


def _answer(page: Page) -> Response:
    found = _checked(page.form)
    status = 422 if found.fault else 200
    return fragments.answer(PAGE, CHECKED, status, page=page.showing(checked=found))


def _checked(form: SenderForm) -> Checked:
    data, key = form.upload("client_cert_file"), form.upload("client_key_file")
    if not data:
        return Checked(fault="Choose the file of the certificate.")
    try:
        found = client_certificate(
            data, key=key or None, passphrase=form.client_passphrase.data or None
        )
    except BadCertificate as error:
        return Checked(fault=str(error))
    return Checked(shown=shown(described(found.cert_pem)[0]), advice=found.advice)

"""A person's consent to OAuth 2.0: begun from the form, brought back to it."""

from __future__ import annotations

import json

from flask import request
from werkzeug.wrappers import Response

from portal.errors import Invalid, Missing
from portal.services.actor import Role
from portal.services.senders import consent
from portal.services.senders.consent import Consented
from portal.web import access, carried, errors, fragments
from portal.web.sender_oauth import CALLBACK, Consent
from portal.web.sender_opening import refused, sent
from portal.web.sender_page import Page
from portal.web.sender_values import values
from portal.web.senders import PAGE, WORKBENCH

pages = access.blueprint("consents", __name__)

CONSENT = "senders/_consent.html"


@pages.post("/t/<slug>/senders/connect")
def begin_unsaved(slug: str) -> Response:
    actor = access.tenant_actor(slug, Role.ADMIN)
    return _begin(sent(actor, provider_id=request.form.get("provider")))


@pages.post("/t/<slug>/senders/<sender_id>/connect")
def begin(slug: str, sender_id: str) -> Response:
    actor = access.tenant_actor(slug, Role.ADMIN)
    return _begin(sent(actor, sender_id=sender_id))


@pages.get(CALLBACK)
def come_back() -> Response:
    """Where the provider's page leads: the form again, with what came of it."""
    told = request.args
    try:
        done = consent.finish(
            access.visitor(),
            state=told.get("state", ""),
            code=told.get("code"),
            error=told.get("error"),
            error_description=told.get("error_description"),
        )
    except Missing as fault:
        return errors.show(404, fault.sentence)
    # The code stands in this address: it leads on to one without it.
    response = fragments.go(_form_of(done))
    if done.account or done.refusal:
        outcome = {"account": done.account or "", "refusal": done.refusal or ""}
        carried.put(response, "consent", json.dumps(outcome))
    return response


def _begin(page: Page) -> Response:
    """A policy of ours forbids a form to lead elsewhere (CSP, form-action): the
    answer is a link that a person follows."""
    form = page.form
    base = page.sender.fields if page.sender else None
    try:
        begun = consent.begin(
            page.actor,
            values=values(form, page.provider, base, page.lender),
            sender_id=page.sender.id if page.sender else None,
            typed_in=form.typed_in,
            redirect_uri=page.redirect_uri,
        )
    except Invalid as fault:
        return fragments.answer(PAGE, WORKBENCH, 422, page=refused(page, fault))
    asked = page.showing(consent=Consent(id=begun.id, url=begun.url), lends=True)
    return fragments.answer(PAGE, CONSENT, page=asked)


def _form_of(done: Consented) -> str:
    where = done.sender_id or f"new/{done.settings['provider']}"
    return f"/t/{done.tenant_slug}/senders/{where}?consent={done.id}#consent"

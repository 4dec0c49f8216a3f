"""Tenants of the installation: added here, with a quota. For the operator."""

from __future__ import annotations

from typing import Any

from flask import Response, url_for
from wtforms import StringField

from portal.errors import Invalid
from portal.services import tenants
from portal.services.actor import Actor
from portal.web import access, fragments, notices
from portal.web.forms import PortalForm
from portal.web.frame import through

pages = access.blueprint("tenants", __name__)

_PAGE, _FRAGMENT = "tenants/page.html", "tenants/_tenants.html"


class TenantForm(PortalForm):
    tenant = StringField("Name")
    quota = StringField("Recipients a month")


class QuotaForm(PortalForm):
    quota = StringField("Recipients a month")


@pages.get("/tenants")
def show() -> Response:
    actor = access.visitor()
    return fragments.page(_PAGE, **_shown(actor, TenantForm(formdata=None)))


@pages.post("/tenants")
def add() -> Response:
    actor = access.visitor()
    actor.require_operator()
    form = TenantForm()
    try:
        added = tenants.add(
            actor, name=form.tenant.data or "", quota=_number(form.quota.data)
        )
    except Invalid as fault:
        form.refuse(fault)
        return fragments.answer(_PAGE, _FRAGMENT, 422, **_shown(actor, form))
    notices.say(f"The tenant {added.name} is made. Its pages are at /t/{added.slug}/.")
    return _done(actor)


@pages.post("/tenants/<slug>/quota")
def set_quota(slug: str) -> Response:
    actor = access.visitor()
    actor.require_operator()
    try:
        tenants.set_quota(actor, slug, _number(QuotaForm().quota.data))
    except Invalid as fault:
        form = TenantForm(formdata=None)
        form.form_errors = [fault.sentence]
        return fragments.answer(_PAGE, _FRAGMENT, 422, **_shown(actor, form))
    notices.say(f"The quota of {slug} is changed.")
    return _done(actor)


def _number(text: str | None) -> int | None:
    """None for an empty field, which is no limit."""
    typed = (text or "").replace(",", "").strip()
    if not typed:
        return None
    if not typed.isascii() or not typed.isdigit() or len(typed) > 12:
        raise Invalid("quota", "A quota is a whole number; empty means no limit.")
    return int(typed)


def _done(actor: Actor) -> Response:
    return fragments.redirect_after_post(
        url_for("tenants.show"), _FRAGMENT, **_shown(actor, TenantForm(formdata=None))
    )


def _shown(actor: Actor, form: TenantForm) -> dict[str, Any]:
    every = tenants.every(actor)
    mine = {ref.id for ref, _role in tenants.mine(actor)}
    return {
        "form": form,
        "tenants": every,
        "mine": mine,
        "through": {each.ref.id: through(actor.within(each.ref)) for each in every},
    }

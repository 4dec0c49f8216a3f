"""People: who may read, change and own a tenant. For its owners."""

from __future__ import annotations

from typing import Any

from flask import Response, request, url_for
from wtforms import PasswordField, StringField

from portal.errors import Forbidden, Invalid
from portal.services import people, tenants
from portal.services.actor import Actor, Role
from portal.services.words import SHORTEST
from portal.web import access, fragments, notices
from portal.web.forms import PortalForm

pages = access.blueprint("people", __name__)

ROLES = (("viewer", "viewer"), ("admin", "admin"), ("owner", "owner"))
_PAGE, _FRAGMENT = "people/page.html", "people/_people.html"


class PersonForm(PortalForm):
    email = StringField("E-mail address")
    name = StringField("Name")
    role = StringField("Role")
    password = PasswordField("First password")


@pages.get("/people")
def show() -> Response:
    actor = _owner()
    return fragments.page(_PAGE, **_shown(actor, PersonForm(formdata=None)))


@pages.post("/people")
def add() -> Response:
    actor = _owner()
    form = PersonForm()
    try:
        added = people.add(
            actor,
            email=form.email.data or "",
            name=form.name.data or "",
            role=form.role.data or "",
            password=form.password.data or "",
        )
    except Invalid as fault:
        form.refuse(fault)
        form.ask_again("password")
        return fragments.answer(_PAGE, _FRAGMENT, 422, **_shown(actor, form))
    notices.say(
        f"{added.name} is {added.role} of {actor.here.name}. "
        "Hand the password over by another way than e-mail."
    )
    return _done(actor)


@pages.post("/people/role")
def set_role() -> Response:
    actor = _owner()
    email = request.form.get("email", "")
    people.set_role(actor, email, request.form.get("role", ""))
    notices.say(f"{email} is {request.form.get('role')} now.")
    return _done(_owner())


@pages.post("/people/remove")
def remove() -> Response:
    actor = _owner()
    email = request.form.get("email", "")
    people.disable(actor, email)
    notices.say(f"{email} is no longer in {actor.here.name}.")
    return _done(actor)


def _owner() -> Actor:
    """The visitor in the tenant that `in` names, else in the first they own."""
    visitor = access.visitor()
    asked = request.values.get("in", "")
    if asked:
        return access.tenant_actor(asked, Role.OWNER)
    owned = [ref for ref, role in tenants.mine(visitor) if role is Role.OWNER]
    if not owned:
        raise Forbidden("This needs the role owner in a tenant.")
    return access.tenant_actor(owned[0].slug, Role.OWNER)


def _done(actor: Actor) -> Response:
    return fragments.redirect_after_post(
        f"{url_for('people.show')}?in={actor.here.slug}",
        _FRAGMENT,
        **_shown(actor, PersonForm(formdata=None)),
    )


def _shown(actor: Actor, form: PersonForm) -> dict[str, Any]:
    return {
        "tenant": actor.here,
        "form": form,
        "people": people.people(actor),
        "roles": ROLES,
        "shortest": SHORTEST,
    }

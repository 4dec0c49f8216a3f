"""API keys: made here, shown once, revoked."""

from __future__ import annotations

import json
import re
from typing import Any

from flask import Response, url_for
from wtforms import SelectMultipleField, StringField

from portal.errors import Invalid
from portal.services import keys
from portal.services.actor import Actor, Role
from portal.services.keys import NewKey
from portal.web import access, carried, fragments, notices
from portal.web.forms import PortalForm

pages = access.blueprint("keys", __name__)

MAY = {"send": "send", "read": "read messages", "cancel": "cancel"}
_PAGE, _FRAGMENT = "keys/page.html", "keys/_keys.html"


class KeyForm(PortalForm):
    name = StringField("Name of a new key")
    scopes = SelectMultipleField(
        "It may",
        choices=list(MAY),
        default=["send", "read"],
        validate_choice=False,  # the service knows which there are
    )
    from_domains = StringField("Only with a From of these domains")
    to_domains = StringField("Only to recipients at these domains")

    @property
    def is_bound(self) -> bool:
        return any((each.data or each.errors) for each in self.domains)

    @property
    def domains(self) -> tuple[Any, Any]:
        return self.from_domains, self.to_domains


@pages.get("/t/<slug>/keys")
def show(slug: str) -> Response:
    actor = access.tenant_actor(slug)
    return fragments.page(_PAGE, **_shown(actor, KeyForm(formdata=None), _carried()))


@pages.post("/t/<slug>/keys")
def make(slug: str) -> Response:
    actor = access.tenant_actor(slug, Role.OWNER)
    form = KeyForm()
    try:
        made = keys.make(
            actor,
            name=form.name.data or "",
            scopes=form.scopes.data or [],
            from_domains=_listed(form.from_domains.data),
            to_domains=_listed(form.to_domains.data),
        )
    except Invalid as fault:
        form.refuse(fault)
        return fragments.answer(_PAGE, _FRAGMENT, 422, **_shown(actor, form))
    if fragments.by_htmx():
        context = _shown(actor, KeyForm(formdata=None), made)
        return fragments.answer(_PAGE, _FRAGMENT, **context)
    response = fragments.go(url_for("keys.show", slug=slug))
    carried.put(response, "key", json.dumps([made.id, made.name, made.key]))
    return response


@pages.post("/t/<slug>/keys/<key_id>/revoke")
def revoke(slug: str, key_id: str) -> Response:
    actor = access.tenant_actor(slug, Role.OWNER)
    keys.revoke(actor, key_id)
    notices.say("The key is revoked. What used it is refused from now on.")
    return fragments.redirect_after_post(
        url_for("keys.show", slug=slug),
        _FRAGMENT,
        **_shown(actor, KeyForm(formdata=None)),
    )


def _shown(actor: Actor, form: KeyForm, made: NewKey | None = None) -> dict[str, Any]:
    return {
        "slug": actor.here.slug,
        "tenant": actor.here,
        "form": form,
        "made": made,
        "keys": keys.keys(actor),
        "may": MAY,
        "may_change": actor.role is Role.OWNER,
    }


def _listed(typed: str | None) -> list[str]:
    """As people write lists: with spaces, commas or semicolons."""
    return [each for each in re.split(r"[\s,;]+", typed or "") if each]


def _carried() -> NewKey | None:
    """A key made by a plain form: sealed in a cookie, shown by this page alone."""
    text = carried.take("key")
    if text is None:
        return None
    public_id, name, key = json.loads(text)
    return NewKey(id=public_id, name=name, key=key)

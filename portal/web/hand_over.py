"""The guide of a sender, and its hand-over: a page to send, a link to give through."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from flask import Response, request

from portal.errors import Invalid, Missing
from portal.services.actor import Actor, Role
from portal.services.guides import SECURITY, Guide, Step, guide
from portal.services.senders import handing_over
from portal.services.senders.handed import possible
from portal.store.fields import now
from portal.web import access, carried, fragments, notices
from portal.web.sender_opening import opened
from portal.web.sender_page import Page

pages = access.blueprint("hand_over", __name__)

PAGE, LINKS = "hand_over/page.html", "hand_over/_links.html"
WORDS = {"host": "Host", "username": "User name", "secret": "Secret"}
LONGEST_MAIL = 1500  # of a mailto link; some programs cut or refuse more
STATES = {
    "open": ("queued", "Open"),
    "used": ("pass", "Used"),
    "withdrawn": ("cancelled", "Withdrawn"),
    "expired": ("expired", "Expired"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """A link just made: shown once."""

    url: str
    expires_at: datetime


@pages.get("/t/<slug>/senders/<sender_id>/guide")
def show_guide(slug: str, sender_id: str) -> Response:
    page = _open(access.tenant_actor(slug), sender_id)
    return fragments.page("hand_over/guide.html", page=page, **_guide(page))


@pages.get("/t/<slug>/senders/<sender_id>/hand-over")
def show(slug: str, sender_id: str) -> Response:
    page = _open(access.tenant_actor(slug), sender_id)
    return fragments.page(PAGE, **_shown(page, _carried()))


@pages.post("/t/<slug>/senders/<sender_id>/hand-over")
def make(slug: str, sender_id: str) -> Response:
    actor = access.tenant_actor(slug, Role.ADMIN)
    page = _open(actor, sender_id)
    chosen = request.form.getlist("opens")
    try:
        made = handing_over.make(actor, sender_id, chosen)
    except Invalid as fault:
        shown = _shown(page, chosen=chosen, error=fault.sentence)
        return fragments.answer(PAGE, LINKS, 422, **shown)
    fresh = Fresh(url=_url(actor, made.token), expires_at=made.expires_at)
    if fragments.by_htmx():
        return fragments.answer(PAGE, LINKS, **_shown(page, fresh))
    response = fragments.go(f"{page.urls.action}/hand-over")
    carried.put(response, "link", json.dumps([fresh.url, fresh.expires_at.isoformat()]))
    return response


@pages.post("/t/<slug>/senders/<sender_id>/hand-over/<link_id>/revoke")
def revoke(slug: str, sender_id: str, link_id: str) -> Response:
    actor = access.tenant_actor(slug, Role.ADMIN)
    handing_over.revoke(actor, sender_id, link_id)
    notices.say("The link is withdrawn. Nothing can be given through it any more.")
    page = _open(actor, sender_id)
    return fragments.redirect_after_post(
        f"{page.urls.action}/hand-over", LINKS, **_shown(page)
    )


def _open(actor: Actor, sender_id: str) -> Page:
    """Raises Missing, also for the sandbox: nobody else has anything to do there."""
    page = opened(actor, sender_id)
    if page.sandbox:
        raise Missing("The sandbox needs nobody else.")
    return page


def _guide(page: Page) -> dict[str, Any]:
    fields = page.sender.fields if page.sender else None
    if fields is None:
        raise Missing("There is no such sender.")
    settings = page.actor.installation.settings
    return {
        "guide": guide(settings, page.provider, fields),
        "fields": fields,
        "security": SECURITY[fields.security],
        "written_on": f"{now().day} {now():%b %Y}",
    }


def _shown(
    page: Page,
    fresh: Fresh | None = None,
    *,
    chosen: list[str] | None = None,
    error: str = "",
) -> dict[str, Any]:
    found = _guide(page)
    may = possible(found["fields"], page.provider)
    actor, sender = page.actor, page.sender
    return {
        **found,
        "page": page,
        "fresh": fresh,
        "may": tuple((name, WORDS[name]) for name in may),
        "chosen": may if chosen is None else chosen,
        "error": error,
        "words": WORDS,
        "states": STATES,
        "links": handing_over.links(actor, sender.id)
        if sender and page.may_change
        else (),
        "person": actor.person,
        "mailto": _mailto(page, found["guide"]),
    }


def _mailto(page: Page, found: Guide) -> str:
    """The same steps as plain text, as far as mail programs take them from a link."""
    subject = f"What we need from you: SMTP for {page.heading}"
    text = "\n\n".join(_as_text(n, step) for n, step in enumerate(found.steps, 1))
    return f"mailto:?subject={quote(subject)}&body={quote(text[:LONGEST_MAIL])}"


def _as_text(number: int, step: Step) -> str:
    rows = [f"  {row.name}: {row.value}" for row in step.rows]
    items = [f"  - {item}" for item in step.items]
    return "\n".join(
        (f"{number}. {step.title}", *step.text, *items, *rows, *step.notes)
    )


def _url(actor: Actor, token: str) -> str:
    base = actor.installation.settings.base_url or request.url_root
    return f"{base.rstrip('/')}/hand-over/{token}"


def _carried() -> Fresh | None:
    """A link made by a plain form: sealed in a cookie, shown by this page alone."""
    text = carried.take("link")
    if text is None:
        return None
    url, expires_at = json.loads(text)
    return Fresh(url=url, expires_at=datetime.fromisoformat(expires_at))

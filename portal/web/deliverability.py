"""The tab that says what receivers make of a sender's domain, and which record lacks."""

from __future__ import annotations

from flask import request
from werkzeug.wrappers import Response

from portal.errors import Fault, Invalid, TooMany
from portal.services import domains
from portal.services.actor import Actor, Role
from portal.services.domains import authority
from portal.services.domains.authority import Comparison
from portal.web import access, fragments, notices
from portal.web.deliverability_page import DomainPage
from portal.web.sender_opening import opened

pages = access.blueprint("deliverability", __name__)

PAGE, REPORT = "deliverability/page.html", "deliverability/_report.html"
AUTHORITY = "deliverability/_authority.html"
WAITING = "deliverability/_waiting.html"
WATCH = "deliverability/_watch.html"
_AT = "/t/<slug>/senders/<sender_id>/deliverability"


@pages.get(_AT)
def show(slug: str, sender_id: str) -> Response:
    return _page(access.tenant_actor(slug), sender_id)


@pages.get(f"{_AT}/report")
def show_report(slug: str, sender_id: str) -> Response:
    """The checks that are known; it asks again by itself until all are."""
    shown = _shown(access.tenant_actor(slug), sender_id)
    ended = shown.ends_what(request.args.get("was", ""))
    return fragments.fragment(REPORT, shown=shown, ended=ended)


@pages.post(_AT)
def check(slug: str, sender_id: str) -> Response:
    actor = access.tenant_actor(slug, Role.ADMIN)
    try:
        domains.start(actor, sender_id)
    except (Invalid, TooMany) as fault:
        status = 429 if isinstance(fault, TooMany) else 422
        return _refused(actor, sender_id, status, fault)
    shown = _shown(actor, sender_id)
    return fragments.redirect_after_post(shown.url, REPORT, shown=shown, focused=True)


@pages.post(f"{_AT}/watch")
def watch(slug: str, sender_id: str) -> Response:
    actor = access.tenant_actor(slug, Role.ADMIN)
    on = request.form.get("on") == "yes"
    domains.set_watch(actor, sender_id, on=on)
    notices.say(
        "The domain is looked at every day."
        if on
        else "Nobody looks at the domain by itself any more."
    )
    shown = _shown(actor, sender_id)
    return fragments.redirect_after_post(shown.url, WATCH, shown=shown, focused=True)


@pages.post(f"{_AT}/authority")
def compare(slug: str, sender_id: str) -> Response:
    """What the name servers of the zone say themselves."""
    actor = access.tenant_actor(slug, Role.ADMIN)
    shown = _shown(actor, sender_id)
    try:
        found = authority.compare(actor, shown.view)
    except TooMany as fault:
        return _compared(actor, sender_id, 429, error=fault.sentence)
    return _compared(actor, sender_id, 200, comparison=found)


def _shown(actor: Actor, sender_id: str) -> DomainPage:
    return DomainPage(
        slug=actor.here.slug,
        view=domains.view(actor, sender_id),
        may_change=actor.role is not None and actor.role.rank >= Role.ADMIN.rank,
    )


def _page(actor: Actor, sender_id: str) -> Response:
    shown, page = _shown(actor, sender_id), opened(actor, sender_id)
    return fragments.page(PAGE, shown=shown, page=page)


def _refused(actor: Actor, sender_id: str, status: int, fault: Fault) -> Response:
    shown = _shown(actor, sender_id).with_error(fault.sentence)
    page = opened(actor, sender_id)
    return fragments.answer(PAGE, REPORT, status, shown=shown, page=page)


def _compared(
    actor: Actor,
    sender_id: str,
    status: int,
    *,
    comparison: Comparison | None = None,
    error: str = "",
) -> Response:
    shown, page = _shown(actor, sender_id), opened(actor, sender_id)
    return fragments.answer(
        PAGE,
        AUTHORITY,
        status,
        beside=WAITING,
        shown=shown,
        page=page,
        comparison=comparison,
        authority_error=error,
        # The page asks by itself as well, and then moves nobody.
        focused="focused" in request.form,
    )

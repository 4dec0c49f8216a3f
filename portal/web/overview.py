"""Overview: one sentence that says whether mail flows, and its proof."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import Response, request

from portal.services import domains
from portal.services.actor import Actor, Role
from portal.services.overview import Flow, Overview, overview
from portal.services.senders import RouteKind
from portal.services.senders.certificates import Expiring, expiring
from portal.store.fields import now
from portal.web import access, chart, fragments, words
from portal.web.verdicts import verdict

pages = access.blueprint("overview", __name__)


@pages.get("/t/<slug>/")
def show(slug: str) -> Response:
    actor = access.tenant_actor(slug)
    found = overview(actor)
    return fragments.page(
        "overview/page.html",
        slug=slug,
        overview=found,
        verdict=verdict(actor, found),
        may_change=actor.role is not None and actor.role.rank >= Role.ADMIN.rank,
        curl=_curl(actor),
        first_steps=_first_steps(found),
        bars=chart.bars(found.hours, chart.sentence(found.hours)),
        legend=chart.legend(found.hours),
        most=max(hour.total for hour in found.hours),
        expiring=[_ending(each) for each in expiring(actor)],
        turned=domains.attention(actor),
        failing=domains.failing(actor),
        series=[name for name, _ in chart.legend(found.hours)],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """A certificate that runs out: of whom, which, and how soon."""

    sender_id: str
    sender: str
    what: str
    not_after: datetime
    state: str
    left: str


def _ending(found: Expiring) -> Ending:
    left = (found.not_after - now()).total_seconds()
    return Ending(
        sender_id=found.sender_id,
        sender=found.sender,
        what=f"{found.what} {found.subject}",
        not_after=found.not_after,
        state="failed" if found.expired else "warn",
        left="expired" if found.expired else f"in {words.span(max(left, 1))}",
    )


def _first_steps(found: Overview) -> bool:
    """Until mail has left through a sender of the tenant's own."""
    route = found.route
    own = route.kind is RouteKind.SENDER and not route.captured
    own = own or route.stands_in is not None
    return found.flow in (Flow.CAPTURED, Flow.NOWHERE, Flow.READY) or not own


def _curl(actor: Actor) -> str:
    base = actor.installation.settings.base_url or request.host_url
    to = actor.person.email if actor.person else "you@example.org"
    return (
        f"curl {base.rstrip('/')}/send"
        ' -H "Authorization: Bearer $KEY"'
        ' -H "Content-Type: application/json"'
        f""" -d '{{"to": "{to}", "subject": "Hello", "text": "It works."}}'"""
    )

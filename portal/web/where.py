"""Where does your mail go? The providers as cards, by group and by search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import request
from werkzeug.wrappers import Response

from portal.address import BadAddress, parse_host
from portal.providers.types import Group, Provider
from portal.services.actor import Actor, Role
from portal.web import access, fragments
from portal.web.sender_words import OWN

pages = access.blueprint("where", __name__)

TITLES = {
    Group.ORGANISATION: "Your organisation’s mail",
    Group.SERVICES: "Sending services",
    Group.OTHER: "Something else",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """The cards of one group."""

    id: str
    title: str
    providers: tuple[Provider, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """`more`: there are others, found by search or by asking for all."""

    shelves: tuple[Shelf, ...]
    asked: str
    found: bool
    total: int
    more: bool
    host: str  # what was asked for, if it may be a relay nobody knows
    own: str = OWN


@pages.get("/t/<slug>/senders/new")
def show(slug: str) -> Response:
    actor = access.tenant_actor(slug, Role.ADMIN)
    return fragments.page("senders/where.html", **_context(actor))


@pages.get("/t/<slug>/senders/new/providers")
def providers(slug: str) -> Response:
    actor = access.tenant_actor(slug, Role.ADMIN)
    return fragments.fragment("senders/_providers.html", **_context(actor))


def _context(actor: Actor) -> dict[str, Any]:
    return {"base": f"/t/{actor.here.slug}/senders", "choice": _choice(actor)}


def _choice(actor: Actor) -> Choice:
    catalogue = actor.installation.catalogue
    everything = catalogue.all()
    asked = request.args.get("q", "").strip()
    found = catalogue.search(asked) if asked else everything
    whole = bool(asked) or "all" in request.args
    own = catalogue.get(OWN)
    if asked and own and own not in found:
        found = (*found, own)  # whoever is not listed has a server of their own
    shown = [each for each in found if whole or each.featured]
    shelves = [_shelf(group, shown) for group in Group]
    return Choice(
        shelves=tuple(shelf for shelf in shelves if shelf.providers),
        asked=asked,
        found=found != (own,),
        total=len(everything),
        more=not asked and len(shown) < len(everything),
        host=_host(asked),
    )


def _shelf(group: Group, shown: Sequence[Provider]) -> Shelf:
    return Shelf(
        id=group.value,
        title=TITLES[group],
        providers=tuple(each for each in shown if each.group is group),
    )


def _host(asked: str) -> str:
    if "." not in asked:
        return ""
    try:
        return parse_host(asked)
    except BadAddress:
        return ""

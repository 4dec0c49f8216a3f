"""Find my settings: an address or a host in, the doors of its relay out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flask import request
from werkzeug.wrappers import Response

from portal.errors import Invalid, Missing
from portal.services import searching
from portal.services.actor import Actor, Role
from portal.services.finding import Safety, Way
from portal.services.searching import SearchView
from portal.store.fields import now
from portal.web import access, fragments, sender_words
from portal.web.sender_words import OWN

pages = access.blueprint("finding", __name__)

PAGE, FOUND = "senders/find.html", "senders/_found.html"
_VERDICTS = {
    Safety.TRUSTED: ("pass", "Safe"),
    Safety.UNTRUSTED: ("warn", "Nobody vouches for it"),
    Safety.READABLE: ("fail", "Readable"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A row of the table: what answers, and how well."""

    way: Way
    state: str
    word: str
    encryption: str
    proposed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Doors of one host that said the same instead of answering."""

    host: str
    doors: str
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """`sender_id` is the sender that the settings are looked for, if it is saved."""

    slug: str
    asked: str = ""
    error: str = ""
    sender_id: str = ""
    search: SearchView | None = None

    @property
    def base(self) -> str:
        return f"/t/{self.slug}/senders"

    @property
    def action(self) -> str:
        return f"{self.base}/find{self._of_sender}"

    @property
    def shown_at(self) -> str:
        return f"{self.base}/find/{self._id}{self._of_sender}"

    @property
    def progress_url(self) -> str:
        return f"{self.base}/find/{self._id}/found{self._of_sender}"

    @property
    def moment(self) -> str:
        """Another at each look, so that the next one is due again."""
        return f"{now():%H%M%S%f}"

    @property
    def use_url(self) -> str:
        """The form of a sender, filled in with what was found."""
        found = self.search.findings if self.search else None
        provider = found.values.get("provider", OWN) if found else OWN
        to = self.sender_id or f"new/{provider}"
        return f"{self.base}/{to}?found={self._id}"

    @property
    def doors(self) -> tuple[Door, ...]:
        if self.search is None:
            return ()
        found = self.search.findings
        proposal = found.proposal if found else None
        return tuple(_door(way, proposal) for way in self.search.answering)

    @property
    def silences(self) -> tuple[Silence, ...]:
        ways = self.search.ways if self.search else ()
        return tuple(_silences(way for way in ways if not way.answers))

    @property
    def _id(self) -> str:
        return self.search.id if self.search else ""

    @property
    def _of_sender(self) -> str:
        return f"?sender={self.sender_id}" if self.sender_id else ""


@pages.get("/t/<slug>/senders/find")
def show(slug: str) -> Response:
    access.tenant_actor(slug, Role.ADMIN)
    asked = request.args.get("asked", "").strip()
    return fragments.page(PAGE, page=Page(slug=slug, asked=asked, sender_id=_sender()))


@pages.post("/t/<slug>/senders/find")
def start(slug: str) -> Response:
    actor = access.tenant_actor(slug, Role.ADMIN)
    asked = request.form.get("asked", "").strip()
    try:
        search_id = searching.start(actor, asked)
    except Invalid as fault:
        wrong = Page(
            slug=slug,
            asked=asked,
            error=fault.errors[0].detail,
            sender_id=_sender(),
        )
        return fragments.answer(PAGE, FOUND, 422, page=wrong)
    page = _page(actor, slug, search_id)
    return fragments.redirect_after_post(page.shown_at, FOUND, page=page)


@pages.get("/t/<slug>/senders/find/<search_id>")
def show_search(slug: str, search_id: str) -> Response:
    actor = access.tenant_actor(slug, Role.ADMIN)
    return fragments.page(PAGE, page=_page(actor, slug, search_id))


@pages.get("/t/<slug>/senders/find/<search_id>/found")
def show_found(slug: str, search_id: str) -> Response:
    """The doors as they are known; it asks again by itself until all are."""
    actor = access.tenant_actor(slug, Role.ADMIN)
    return fragments.fragment(FOUND, page=_page(actor, slug, search_id))


def found_values(actor: Actor, search_id: str | None) -> Mapping[str, object]:
    """The fields that a search of this tenant proposes; one that is gone, or found
    nothing, is no fault."""
    if not search_id:
        return {}
    try:
        found = searching.read(actor, search_id).findings
    except Missing:
        return {}
    return found.values if found else {}


def _page(actor: Actor, slug: str, search_id: str) -> Page:
    search = searching.read(actor, search_id)
    return Page(slug=slug, asked=search.asked, sender_id=_sender(), search=search)


def _sender() -> str:
    """Only an id: the page that it leads to looks whether there is such a sender."""
    given = request.args.get("sender", "")
    return given if re.fullmatch("[A-Za-z0-9_-]{1,64}", given) else ""


def _door(way: Way, proposal: Way | None) -> Door:
    state, word = _VERDICTS[way.safety or Safety.READABLE]
    return Door(
        way=way,
        state=state,
        word=word,
        encryption=sender_words.SECURITY[way.security],
        proposed=way == proposal,
    )


def _silences(ways: Iterable[Way]) -> Iterable[Silence]:
    """One line for each host and each thing said."""
    found: dict[tuple[str, str], list[int]] = {}
    for way in ways:
        found.setdefault((way.host, way.said), []).append(way.port)
    for (host, said), ports in found.items():
        listed = ", ".join(str(each) for each in dict.fromkeys(ports))
        yield Silence(host=host, doors=listed, said=said)

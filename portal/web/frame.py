"""What stands around each page: the tenant, who carries its mail, where to go."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from flask import g, request

from portal.errors import Missing
from portal.services import tenants
from portal.services.actor import Actor, Role, TenantRef
from portal.services.overview import is_held
from portal.services.senders import RouteKind, RouteNow, route_now
from portal.services.senders.routing import StandIn


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    word: str
    href: str
    icon: str = ""
    current: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    name: str
    shown: bool
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Through:
    """Who carries the mail now: a state, a lead-in, a name, a detail."""

    state: str
    lead: str
    name: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    home: str
    person: str
    role: str
    tenant: TenantRef | None = None
    tenants: tuple[Link, ...] = ()
    through: Through | None = None
    stands_in: StandIn | None = None  # the platform default, for whom
    may_change: bool = False
    groups: tuple[Group, ...] = ()


_TENANT_PAGES = (
    ("Overview", "", "layout-dashboard"),
    ("Senders", "senders", "server-2"),
    ("Messages", "messages", "mail"),
    ("Sandbox", "sandbox", "flask"),
    ("API keys", "keys", "key"),
    ("Audit", "audit", "history"),
)


def frame() -> Frame | None:
    """None for a stranger: the pages that strangers see have no frame."""
    actor: Actor | None = g.get("actor")
    if actor is None or actor.person is None:
        return None
    mine = tenants.mine(actor)
    here = actor if actor.tenant else _first(actor, mine)
    tenant = here.tenant
    route = route_now(here.installation, tenant.id) if tenant else None
    return Frame(
        home=f"/t/{tenant.slug}/" if tenant else "/",
        person=actor.person.name,
        role=_role(here),
        tenant=tenant,
        tenants=tuple(
            Link(
                word=ref.name,
                href=f"/t/{ref.slug}/",
                note=role,
                current=tenant is not None and ref.id == tenant.id,
            )
            for ref, role in mine
        ),
        through=_through(here, route) if route else None,
        stands_in=route.stands_in if route else None,
        may_change=here.role is not None and here.role.rank >= Role.ADMIN.rank,
        groups=_groups(here),
    )


def around() -> str:
    """What links of a page without a tenant carry on: the tenant beside it."""
    asked = request.args.get("in")
    return _around(asked) if asked else ""


def through(actor: Actor) -> Through:
    """One look at the route, in the words of the side bar."""
    return _through(actor, route_now(actor.installation, actor.here.id))


def _through(actor: Actor, route: RouteNow) -> Through:
    if route.kind is RouteKind.NONE:
        return Through(state="failed", lead="Mail has no way out", name="No sender")
    if route.captured:
        return Through(
            state="warn",
            lead="No mail leaves",
            name=route.label,
            detail="every mail is captured",
        )
    held = is_held(actor.here.id)
    lead = "Mail is held" if held else "Mail goes through"
    if route.kind is RouteKind.PLATFORM:
        default = actor.installation.settings.default_sender
        return Through(
            state="failed" if held else "warn",
            lead=lead,
            name="Platform default",
            detail=f"in place of {route.stands_in.sender}"
            if route.stands_in
            else default.from_address
            if default
            else "",
        )
    return Through(
        state="failed" if held else "active",
        lead=lead,
        name=route.label,
        detail=route.host or "",
    )


def _first(actor: Actor, mine: list[tuple[TenantRef, Role]]) -> Actor:
    """On pages of the organisation: the tenant that `in` names, else the first.

    It only says what stands around the page; the page itself asks for its rights.
    """
    asked = request.args.get("in")
    if asked:
        try:
            return tenants.enter(actor, asked)
        except Missing:
            pass
    return actor.within(mine[0][0], mine[0][1]) if mine else actor


def _around(slug: str) -> str:
    return "?" + urlencode({"in": slug})


def _role(actor: Actor) -> str:
    words = [str(actor.role)] if actor.role else []
    if actor.person and actor.person.is_operator:
        words.append("operator")
    return ", ".join(words)


def _groups(actor: Actor) -> tuple[Group, ...]:
    tenant, found = actor.tenant, []
    around = _around(tenant.slug) if tenant else ""
    if tenant:
        links = [
            _link(word, f"/t/{tenant.slug}/{page}", icon)
            for word, page, icon in _TENANT_PAGES
        ]
        links.append(_link("Explain an error", "/explain", "stethoscope", around))
        found.append(Group(name="Tenant", shown=False, links=tuple(links)))
    organisation = []
    if actor.role is Role.OWNER:
        organisation.append(_link("People", "/people", "users", around))
    if actor.person and actor.person.is_operator:
        organisation.append(_link("Tenants", "/tenants", "building", around))
        organisation.append(_link("Platform", "/platform", "settings", around))
    if organisation:
        found.append(Group(name="Organisation", shown=True, links=tuple(organisation)))
    return tuple(found)


def _link(word: str, path: str, icon: str, query: str = "") -> Link:
    # A page is current with the pages under it; only the overview has none.
    under = not path.endswith("/") and request.path.startswith(f"{path}/")
    current = under or request.path == path
    return Link(word=word, href=path + query, icon=icon, current=current)

"""Audit: who did what, when and from where; to read, to filter, to take away.

Each tenant has a chain, and the installation one of its own, for the operator:
the same pages without a tenant in their address.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from flask import Response, request, url_for

from portal.services import audit
from portal.services.actor import Actor
from portal.services.audit import EventView
from portal.web import access, fragments, words

pages = access.blueprint("audit", __name__)

PAGE = 50
COLUMNS = ("at", "event", "actor", "ip", "subject_kind", "subject_id", "detail")
EVENTS = (
    ("", "Any event"),
    ("email.", "E-mail, any"),
    ("email.sent", "E-mail sent"),
    ("email.send_failed", "E-mail failed"),
    ("email.uncertain", "E-mail uncertain"),
    ("sender.", "Senders"),
    ("admin.", "Sending switched"),
    ("key.", "API keys"),
    ("user.", "People"),
    ("tenant.", "Tenants"),
)
# A spreadsheet runs a cell that begins so (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


Writer = Callable[[Iterator[EventView]], Iterator[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    event: str
    person: str
    after: str

    @classmethod
    def asked(cls) -> Filter:
        given = request.args
        return cls(
            event=given.get("event", "").strip(),
            person=given.get("person", "").strip(),
            after=given.get("after", "").strip(),
        )

    def query(self, **more: str) -> dict[str, str]:
        kept = {"event": self.event, "person": self.person} | more
        return {name: value for name, value in kept.items() if value}


@pages.get("/t/<slug>/audit")
@pages.get("/platform/audit")
def show(slug: str | None = None) -> Response:
    return fragments.page("audit/page.html", **_rows(_actor(slug)))


@pages.get("/t/<slug>/audit/rows")
@pages.get("/platform/audit/rows")
def rows(slug: str | None = None) -> Response:
    context = _rows(_actor(slug))
    response = fragments.fragment("audit/_rows.html", **context)
    asked = context["filter"].query()
    response.headers["HX-Push-Url"] = url_for("audit.show", slug=slug, **asked)
    return response


@pages.get("/t/<slug>/audit.csv")
@pages.get("/platform/audit.csv")
def as_csv(slug: str | None = None) -> Response:
    return _download(_actor(slug), "csv", "text/csv", _csv)


@pages.get("/t/<slug>/audit.json")
@pages.get("/platform/audit.json")
def as_json(slug: str | None = None) -> Response:
    return _download(_actor(slug), "json", "application/json", _json)


def _actor(slug: str | None) -> Actor:
    if slug is not None:
        return access.tenant_actor(slug)
    visitor = access.visitor()
    visitor.require_operator()
    return visitor


def _rows(actor: Actor) -> dict[str, Any]:
    asked = Filter.asked()
    page = audit.events(
        actor,
        event=asked.event or None,
        person=asked.person or None,
        after=asked.after or None,
        limit=PAGE,
    )
    return {
        "page": page,
        "filter": asked,
        "options": EVENTS,
        "slug": actor.tenant.slug if actor.tenant else None,
        "tenant": actor.tenant,
        "describe": describe,
    }


def describe(event: EventView) -> str:
    """The detail of an event in one line, whatever it holds."""
    told = {name: _plain(value) for name, value in event.detail.items()}
    return ", ".join(f"{name} {words}" for name, words in told.items() if words)


def _plain(value: Any) -> str:
    """Words for a value; nothing for what is absent."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return " and ".join(value)
    if isinstance(value, dict) and isinstance(value.get("title"), str):
        return f"“{value['title']}”"  # a diagnosis
    if isinstance(value, dict) and "code" in value and "text" in value:
        return f"{value['code']} {value['text']}"  # a reply
    return json.dumps(value, ensure_ascii=False)


def _download(actor: Actor, ending: str, kind: str, write: Writer) -> Response:
    """Written while it is read, so that a long chain is never whole in memory."""
    asked = Filter.asked()
    events = audit.every(actor, event=asked.event or None, person=asked.person or None)
    response = Response(write(events), content_type=f"{kind}; charset=utf-8")
    name = f"audit-{actor.tenant.slug if actor.tenant else 'portal'}.{ending}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _csv(events: Iterator[EventView]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for event in events:
        writer.writerow([_harmless(_cell(event, name)) for name in COLUMNS])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def _cell(event: EventView, name: str) -> str:
    value = getattr(event, name)
    if name == "at":
        return words.iso(value)
    if name == "detail":
        return json.dumps(dict(value), ensure_ascii=False)
    return value or ""


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _json(events: Iterator[EventView]) -> Iterator[str]:
    before = "[\n"
    for event in events:
        row = {name: getattr(event, name) for name in COLUMNS}
        row |= {"id": event.id, "at": words.iso(event.at), "detail": dict(event.detail)}
        yield before + json.dumps(row, ensure_ascii=False)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"

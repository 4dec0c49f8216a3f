"""Messages: find them, read what became of one, and change what still can be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Response, request, url_for

from portal.mail.types import Kind
from portal.services import sending
from portal.services.actor import Actor, Role
from portal.services.outbox.states import PARTIAL, State
from portal.services.sending import Filter
from portal.web import access, fragments, mails, notices, tellings

pages = access.blueprint("messages", __name__)

PAGE = 50
SINCE = {"": "Any time", "1": "24 hours", "7": "7 days", "30": "30 days"}
STATUS = (("", "Any state"), *((str(s), str(s)) for s in (*State, PARTIAL)))
KIND = (("", "Any kind"), *((str(kind), str(kind)) for kind in Kind))
DECISIONS = (State.SENT, State.FAILED)
_ONE, _STATUS = "messages/message.html", "messages/_message.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The filter as it stands in the address; what makes no sense is left out."""

    q: str = ""
    status: str = ""
    kind: str = ""
    since: str = ""
    after: str = ""

    @classmethod
    def now(cls) -> Asked:
        given = {name: request.args.get(name, "").strip() for name in cls.__slots__}
        for name, known in (("status", dict(STATUS)), ("kind", dict(KIND))):
            given[name] = given[name] if given[name] in known else ""
        given["since"] = given["since"] if given["since"] in SINCE else ""
        return cls(**given)

    @property
    def filter(self) -> Filter:
        days = int(self.since) if self.since else None
        since = datetime.now(UTC) - timedelta(days=days) if days else None
        return Filter(
            status=self.status or None,
            kind=self.kind or None,
            search=self.q or None,
            since=since,
            after=self.after or None,
            limit=PAGE,
        )

    @property
    def narrow(self) -> bool:
        return bool(self.q or self.status or self.kind or self.since)

    def query(self, **more: str) -> dict[str, str]:
        kept = {name: getattr(self, name) for name in ("q", "status", "kind", "since")}
        return {name: value for name, value in (kept | more).items() if value}


@pages.get("/t/<slug>/messages")
def show(slug: str) -> Response:
    return fragments.page("messages/page.html", **_rows(access.tenant_actor(slug)))


@pages.get("/t/<slug>/messages/rows")
def rows(slug: str) -> Response:
    context = _rows(access.tenant_actor(slug))
    response = fragments.fragment("messages/_rows.html", **context)
    query = context["asked"].query()
    response.headers["HX-Push-Url"] = url_for("messages.show", slug=slug, **query)
    return response


@pages.get("/t/<slug>/messages/<message_id>")
def one(slug: str, message_id: str) -> Response:
    actor = access.tenant_actor(slug)
    return fragments.page(_ONE, **_message(actor, message_id))


@pages.get("/t/<slug>/messages/<message_id>/now")
def now(slug: str, message_id: str) -> Response:
    """The message again, for a page that waits for its end."""
    actor = access.tenant_actor(slug)
    return fragments.fragment(_STATUS, **_message(actor, message_id))


@pages.post("/t/<slug>/messages/<message_id>/cancel")
def cancel(slug: str, message_id: str) -> Response:
    actor = access.tenant_actor(slug, Role.ADMIN)
    message = sending.cancel(actor, message_id)
    notices.say(*tellings.cancelled(message))
    return _done(actor, message_id)


@pages.post("/t/<slug>/messages/<message_id>/decide")
def decide(slug: str, message_id: str) -> Response:
    actor = access.tenant_actor(slug, Role.ADMIN)
    to, address = request.form.get("to", ""), request.form.get("address", "")
    sending.decide(actor, message_id, to, address=address or None)
    notices.say(f"Noted: {address or 'every uncertain recipient'} is {to}.")
    return _done(actor, message_id)


@pages.get("/t/<slug>/messages/<message_id>/content")
def content(slug: str, message_id: str) -> Response:
    actor = access.tenant_actor(slug)
    shown = sending.show(actor, message_id)
    return fragments.page(
        "messages/content.html",
        message=sending.read(actor, message_id),
        shown=shown,
        slug=slug,
        **mails.forms_of(shown.mail, url_for(".content", **_place(slug, message_id))),
        frame_url=url_for(".frame", **_place(slug, message_id)),
    )


@pages.get("/t/<slug>/messages/<message_id>/frame")
def frame(slug: str, message_id: str) -> Response:
    actor = access.tenant_actor(slug)
    return mails.frame(sending.show(actor, message_id).mail)


@pages.get("/t/<slug>/messages/<message_id>.eml")
def download(slug: str, message_id: str) -> Response:
    actor = access.tenant_actor(slug)
    return mails.download(sending.show(actor, message_id).source, message_id)


def _rows(actor: Actor) -> dict[str, Any]:
    asked = Asked.now()
    page = sending.find(actor, asked.filter)
    return {
        "slug": actor.here.slug,
        "tenant": actor.here,
        "asked": asked,
        "page": page,
        "states": STATUS,
        "kinds": KIND,
        "since": tuple(SINCE.items()),
        "said": tellings.said,
        "retention_days": actor.installation.settings.retention_days,
    }


def _message(actor: Actor, message_id: str) -> dict[str, Any]:
    message = sending.read(actor, message_id)
    may_change = actor.role is not None and actor.role.rank >= Role.ADMIN.rank
    undecided = [each for each in message.recipients if tellings.undecided(each)]
    return {
        "slug": actor.here.slug,
        "message": message,
        "undecided": undecided,
        "may_change": may_change,
        "may_cancel": may_change and tellings.may_cancel(message),
        "moving": message.status in (State.QUEUED, State.SENDING),
        "attempts": tuple(reversed(message.attempts)),
        "told": tellings.outcome,
        "summary": tellings.summary(message),
        "reply": tellings.reply,
    }


def _done(actor: Actor, message_id: str) -> Response:
    return fragments.redirect_after_post(
        url_for("messages.one", **_place(actor.here.slug, message_id)),
        _STATUS,
        **_message(actor, message_id),
    )


def _place(slug: str, message_id: str) -> dict[str, Any]:
    return {"slug": slug, "message_id": message_id}

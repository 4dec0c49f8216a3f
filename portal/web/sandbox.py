"""Sandbox: the mails that were captured, and each in its forms."""

from __future__ import annotations

from typing import Any

from flask import Response, url_for

from portal.services import captures
from portal.services.actor import Actor, Role
from portal.web import access, fragments, mails, notices, words

pages = access.blueprint("sandbox", __name__)

_PAGE, _FRAGMENT = "sandbox/page.html", "sandbox/_caught.html"


@pages.get("/t/<slug>/sandbox")
def show(slug: str) -> Response:
    return fragments.page(_PAGE, **_shown(access.tenant_actor(slug)))


@pages.get("/t/<slug>/sandbox/<capture_id>")
def one(slug: str, capture_id: str) -> Response:
    actor = access.tenant_actor(slug)
    capture = captures.capture(actor, capture_id)
    place: dict[str, Any] = {"slug": slug, "capture_id": capture_id}
    return fragments.page(
        "sandbox/one.html",
        slug=slug,
        capture=capture,
        frame_url=url_for(".frame", **place),
        **mails.forms_of(capture.mail, url_for(".one", **place)),
    )


@pages.get("/t/<slug>/sandbox/<capture_id>/frame")
def frame(slug: str, capture_id: str) -> Response:
    actor = access.tenant_actor(slug)
    return mails.frame(captures.capture(actor, capture_id).mail)


@pages.get("/t/<slug>/sandbox/<capture_id>.eml")
def download(slug: str, capture_id: str) -> Response:
    actor = access.tenant_actor(slug)
    return mails.download(captures.capture(actor, capture_id).content, capture_id)


@pages.post("/t/<slug>/sandbox/clear")
def clear(slug: str) -> Response:
    actor = access.tenant_actor(slug, Role.ADMIN)
    gone = captures.clear(actor)
    notices.say(f"{words.count(gone, 'captured mail')} thrown away.")
    return fragments.redirect_after_post(
        url_for("sandbox.show", slug=slug), _FRAGMENT, **_shown(actor)
    )


def _shown(actor: Actor) -> dict[str, Any]:
    port = actor.installation.sandbox_port()
    return {
        "slug": actor.here.slug,
        "captures": captures.captures(actor),
        "count": captures.count(actor),
        "kept_days": captures.KEPT.days,
        "port": port,
        "may_change": actor.role is not None and actor.role.rank >= Role.ADMIN.rank,
    }

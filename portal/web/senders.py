"""Senders: the list, the form of one, its secret, its versions, their use."""

from __future__ import annotations

from typing import Any

from flask import request
from werkzeug.wrappers import Response

from portal.errors import Invalid, Missing
from portal.services import domains, senders
from portal.services.actor import Actor, Role
from portal.services.senders import Saved
from portal.web import (
    access,
    deliverability_words,
    fragments,
    notices,
    sender_leaving,
    sender_words,
)
from portal.web.sender_asking import hint
from portal.web.sender_forms import SECRETS, SenderForm
from portal.web.sender_opening import (
    blank,
    opened,
    refused,
    saved,
    sent,
    stands_in_for,
)
from portal.web.sender_page import Page
from portal.web.sender_values import replaced, values

pages = access.blueprint("senders", __name__)

PAGE, WORKBENCH = "senders/sender.html", "senders/_workbench.html"
SECRET_PAGE, SECRET = "senders/secret.html", "senders/_secret.html"
VERSIONS_PAGE, VERSIONS = "senders/versions.html", "senders/_versions.html"


@pages.get("/t/<slug>/senders")
def show_all(slug: str) -> Response:
    actor = access.tenant_actor(slug)
    other, judged = stands_in_for(actor), domains.badges(actor)
    return fragments.page(
        "senders/all.html",
        slug=slug,
        senders=[
            sender_words.card(
                each,
                stood_in=each.id == other,
                dns=deliverability_words.badge(judged.get(each.id)),
            )
            for each in senders.senders(actor)
        ],
        may_change=_may_change(actor),
    )


@pages.get("/t/<slug>/senders/hint")
def show_hint(slug: str) -> Response:
    """What is worth a word about a port and an encryption, while they are typed."""
    settings = access.tenant_actor(slug).installation.settings
    typed = [request.args.get(name, "") for name in ("host", "port", "security")]
    return fragments.fragment("senders/_hint.html", hint=hint(settings, *typed))


@pages.get("/t/<slug>/senders/new/<provider_id>")
def new(slug: str, provider_id: str) -> Response:
    actor = access.tenant_actor(slug, Role.ADMIN)
    return fragments.page(PAGE, page=blank(actor, provider_id))


@pages.get("/t/<slug>/senders/new/<provider_id>/host")
def show_host(slug: str, provider_id: str) -> Response:
    """The host field after another region was chosen."""
    actor = access.tenant_actor(slug, Role.ADMIN)
    page = blank(actor, provider_id)
    page.form.host.data = page.form.place_was.data = request.args.get("place", "")
    return fragments.fragment("senders/_host-line.html", page=page, form=page.form)


@pages.post("/t/<slug>/senders/new/<provider_id>")
def create(slug: str, provider_id: str) -> Response:
    actor = access.tenant_actor(slug, Role.ADMIN)
    return _save(sent(actor, provider_id=provider_id))


@pages.get("/t/<slug>/senders/<sender_id>")
def show(slug: str, sender_id: str) -> Response:
    actor = access.tenant_actor(slug)
    return fragments.page(PAGE, page=opened(actor, sender_id))


@pages.post("/t/<slug>/senders/<sender_id>")
def update(slug: str, sender_id: str) -> Response:
    actor = access.tenant_actor(slug, Role.ADMIN)
    return _save(sent(actor, sender_id=sender_id))


@pages.get("/t/<slug>/senders/<sender_id>/secret")
def show_secret(slug: str, sender_id: str) -> Response:
    page = opened(access.tenant_actor(slug, Role.ADMIN), sender_id)
    _require_secret(page)
    return fragments.page(SECRET_PAGE, page=page, form=page.form)


@pages.post("/t/<slug>/senders/<sender_id>/secret")
def replace_secret(slug: str, sender_id: str) -> Response:
    actor, form = access.tenant_actor(slug, Role.ADMIN), SenderForm()
    page = opened(actor, sender_id)
    secret = _require_secret(page)
    try:
        done = senders.save(
            actor,
            sender_id=sender_id,
            values=replaced(form, secret),
            activate=request.form.get("then") == "use",
            replace_secret=True,
        )
    except Invalid as fault:
        form.refuse(fault)
        page = page.showing(form=form)
        return fragments.answer(SECRET_PAGE, SECRET, 422, page=page, form=form)
    _say(done, page.heading)
    after = opened(actor, sender_id)
    return fragments.redirect_after_post(
        f"{page.urls.action}/secret",
        SECRET,
        moved=done.active,
        page=after,
        form=after.form,
    )


@pages.get("/t/<slug>/senders/<sender_id>/versions")
def show_versions(slug: str, sender_id: str) -> Response:
    actor = access.tenant_actor(slug)
    return fragments.page(VERSIONS_PAGE, **_versions(actor, sender_id))


@pages.post("/t/<slug>/senders/<sender_id>/versions/<int:number>/use")
def use(slug: str, sender_id: str, number: int) -> Response:
    actor = access.tenant_actor(slug, Role.ADMIN)
    done = senders.activate(actor, sender_id, number)
    _say(done, senders.sender(actor, sender_id).name)
    return _back_to_versions(actor, sender_id)


@pages.post("/t/<slug>/senders/<sender_id>/disable")
def disable(slug: str, sender_id: str) -> Response:
    """Stop using this sender: the platform default sends, or the sandbox captures."""
    actor = access.tenant_actor(slug, Role.ADMIN)
    active = senders.sender(actor, sender_id).active is not None
    if active or stands_in_for(actor) == sender_id:
        left = senders.disable(actor)
        notices.say(sender_leaving.left(actor.installation))
        if behind := sender_words.left_behind(left):
            notices.say(behind, "warn")
    if request.form.get("at") != "connection":
        return _back_to_versions(actor, sender_id)
    page = opened(actor, sender_id)
    return fragments.redirect_after_post(
        page.urls.action, WORKBENCH, moved=True, page=page
    )


@pages.post("/t/<slug>/senders/<sender_id>/delete")
def delete(slug: str, sender_id: str) -> Response:
    actor = access.tenant_actor(slug, Role.OWNER)
    name = senders.sender(actor, sender_id).name
    try:
        senders.delete(actor, sender_id)
    except Invalid as fault:
        notices.say(str(fault), "warn")
        return _back_to_versions(actor, sender_id)
    notices.say(f"The sender “{name}” and its secrets are deleted.")
    return fragments.go(f"/t/{slug}/senders")


def _save(page: Page) -> Response:
    form = page.form
    base = page.sender.fields if page.sender else None
    try:
        done = senders.save(
            page.actor,
            sender_id=page.sender.id if page.sender else None,
            values=values(form, page.provider, base, page.lender),
            activate=form.to_use,
            incomplete=form.to_hand_over,
            typed_in=form.typed_in,
        )
    except Invalid as fault:
        return fragments.answer(PAGE, WORKBENCH, 422, page=refused(page, fault))
    after = saved(page.actor, done.id, page.test)
    _say(done, after.heading)
    if form.to_hand_over:
        return fragments.go(f"{after.urls.action}/hand-over")
    to = (
        f"{after.urls.action}?ladder={page.test.id}" if page.test else after.urls.action
    )
    response = fragments.redirect_after_post(
        to, WORKBENCH, moved=done.active, title=after.heading, page=after
    )
    if fragments.by_htmx():
        response.headers["HX-Push-Url"] = to
    return response


def _say(done: Saved, name: str) -> None:
    """What was saved, whether it carries mail now, and what is worth a warning."""
    if not done.active:
        notices.say(
            f"Saved as version {done.version}. Mail does not go through it yet."
        )
    else:
        notices.say(f"Mail goes through “{name}”, version {done.version}, from now on.")
    for word in (done.warning, sender_words.left_behind(done.waiting)):
        if word:
            notices.say(word, "warn")
    for note in done.notes:
        if note.field in SECRETS:
            notices.say(note.detail, "warn")


def _versions(actor: Actor, sender_id: str) -> dict[str, Any]:
    judged = domains.of_versions(actor, sender_id)
    return {
        "page": opened(actor, sender_id),
        "versions": [
            sender_words.row(
                each, dns=deliverability_words.badge(judged.get(each.number))
            )
            for each in senders.versions(actor, sender_id)
        ],
        "tab": "Versions",
    }


def _back_to_versions(actor: Actor, sender_id: str) -> Response:
    return fragments.redirect_after_post(
        f"/t/{actor.here.slug}/senders/{sender_id}/versions",
        VERSIONS,
        moved=True,
        **_versions(actor, sender_id),
    )


def _require_secret(page: Page) -> str:
    """The name of the secret that it signs in with. Raises Missing."""
    if page.main_secret is None:
        raise Missing("This sender signs in without a secret.")
    return page.main_secret


def _may_change(actor: Actor) -> bool:
    return actor.role is not None and actor.role.rank >= Role.ADMIN.rank

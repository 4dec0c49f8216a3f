"""Live tests: asked for from a sender's form, followed rung by rung, repaired."""

from __future__ import annotations

from collections.abc import Mapping

from flask import request
from werkzeug.wrappers import Response

from portal.errors import Invalid, Missing
from portal.services import testing
from portal.services.actor import Role
from portal.services.senders.typed import Lender
from portal.services.testing import TestView
from portal.web import access, fragments
from portal.web.chains import trusting
from portal.web.sender_forms import LENT, SECRETS, SenderForm
from portal.web.sender_opening import following, refused, sent
from portal.web.sender_page import Page
from portal.web.sender_values import filled, values
from portal.web.senders import PAGE, WORKBENCH

pages = access.blueprint("live_tests", __name__)

LADDER = "senders/_ladder.html"


@pages.post("/t/<slug>/senders/test")
def start_unsaved(slug: str) -> Response:
    actor = access.tenant_actor(slug, Role.ADMIN)
    return _start(sent(actor, provider_id=request.form.get("provider")), LADDER)


@pages.post("/t/<slug>/senders/<sender_id>/test")
def start(slug: str, sender_id: str) -> Response:
    actor = access.tenant_actor(slug, Role.ADMIN)
    return _start(sent(actor, sender_id=sender_id), LADDER)


@pages.post("/t/<slug>/senders/repair")
def repair_unsaved(slug: str) -> Response:
    actor = access.tenant_actor(slug, Role.ADMIN)
    return _repair(sent(actor, provider_id=request.form.get("provider")))


@pages.post("/t/<slug>/senders/<sender_id>/repair")
def repair(slug: str, sender_id: str) -> Response:
    actor = access.tenant_actor(slug, Role.ADMIN)
    return _repair(sent(actor, sender_id=sender_id))


@pages.get("/t/<slug>/tests/<test_id>")
def show(slug: str, test_id: str) -> Response:
    """The ladder as it stands; it asks again by itself until it is final."""
    actor = access.tenant_actor(slug)
    page = following(actor, testing.read(actor, test_id), request.args.get("sender"))
    return fragments.fragment(LADDER, page=page)


@pages.post("/t/<slug>/tests/<test_id>/stop")
def stop(slug: str, test_id: str) -> Response:
    actor = access.tenant_actor(slug, Role.ADMIN)
    testing.stop(actor, test_id)
    page = following(actor, testing.read(actor, test_id), request.args.get("sender"))
    return fragments.redirect_after_post(page.urls.shown_at, LADDER, page=page)


def _start(page: Page, fragment: str) -> Response:
    """Begin a test of what was sent; its answer is the ladder or the workbench."""
    form = page.form
    base = page.sender.fields if page.sender else None
    return _begin(page, values(form, page.provider, base, page.lender), fragment)


def _repair(page: Page) -> Response:
    """Put a repair into the form and test again. The secret that was typed for
    the test before is used again where it may go."""
    form, wanted = page.form, _wanted(page.test)
    base = page.sender.fields if page.sender else None
    found = {**values(form, page.provider, base, page.lender), **wanted}
    filled(form, found, page.provider)
    if page.lender:
        _take_lent(form, page.lender)
    return _begin(page, found, WORKBENCH)


def _take_lent(form: SenderForm, lender: Lender) -> None:
    """What was typed for the test before and is not typed again."""
    for name in form.secrets:
        field, choice = (form._fields[each] for each in SECRETS[name])
        if not field.data and name in lender.fields.secrets:
            choice.data = LENT


def _begin(page: Page, found: Mapping[str, object], fragment: str) -> Response:
    actor, form = page.actor, page.form
    try:
        test_id = testing.start(
            actor,
            values=found,
            sender_id=page.sender.id if page.sender else None,
            to=form.to.data,
            session_id=actor.session_id,
            typed_in=form.typed_in,
            kind=_kind(page.test),
        )
    except Invalid as fault:
        return fragments.answer(PAGE, WORKBENCH, 422, page=refused(page, fault))
    sender_id = page.sender.id if page.sender else None
    shown = following(actor, testing.read(actor, test_id), sender_id)
    return fragments.redirect_after_post(shown.urls.shown_at, fragment, page=shown)


def _kind(test: TestView | None) -> str:
    """A repair is followed by a test of the kind that failed; else a button says."""
    repairs = "repair" in request.form or "trust" in request.form
    wanted = test.kind if test and repairs else request.form.get("kind")
    return testing.PREFLIGHT if wanted == testing.PREFLIGHT else testing.MAIL


def _wanted(test: TestView | None) -> Mapping[str, object]:
    """The settings of the repair that a button names, out of the stored test: a
    browser names one and cannot write its own."""
    if fingerprint := request.form.get("trust"):
        return trusting(test, fingerprint)
    repairs = (test.diagnosis or {}).get("repairs", ()) if test else ()
    number = request.form.get("repair", "")
    if not number.isdecimal() or int(number) >= len(repairs):
        raise Missing("This repair is no longer on offer. Test again.")
    wanted: Mapping[str, object] = repairs[int(number)]["set"]
    return wanted

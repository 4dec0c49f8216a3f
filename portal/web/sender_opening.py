"""The page of one sender, opened: empty, as it is saved, as it was tested, as sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from flask import request

from portal.errors import FieldError, Invalid, Missing
from portal.providers.types import Provider
from portal.services import knowledge, senders, testing
from portal.services.actor import Actor
from portal.services.senders import Pacing, SenderView
from portal.services.senders.fields import REFRESH_TOKEN, UNTESTED
from portal.services.senders.signature import DkimRecord, dkim_record
from portal.services.senders.typed import lender
from portal.services.testing import TestView
from portal.web import carried
from portal.web.deliverability_words import before_use
from portal.web.finding import found_values
from portal.web.sender_forms import SECRETS, SenderForm, find_place
from portal.web.sender_oauth import Consent
from portal.web.sender_page import Page
from portal.web.sender_values import filled
from portal.web.sender_words import OWN, ways

_TYPE_AGAIN = "Type it again: what was typed is not kept when a field is wrong."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """The form as it was when a person was asked for consent, and what they said."""

    settings: dict[str, Any]
    consent: Consent


def blank(actor: Actor, provider_id: str) -> Page:
    """A sender to be: filled in by its provider, or as it was last tested, or as it
    was when a person was asked for consent."""
    provider = _provider(actor, provider_id)
    test, given = _asked(actor, "test"), _consented(actor)
    settings = _preset(actor, provider)
    if given:
        settings = given.settings
    elif test:
        settings = test.fields.settings()
    return Page(
        actor=actor,
        provider=provider,
        form=_form(settings, provider),
        test=test,
        lends=True,
        consent=given.consent if given else None,
    )


def opened(actor: Actor, sender_id: str) -> Page:
    """A saved sender; with `test`, as it was last tested, with `consent`, as it was
    when a person was asked. Raises Missing."""
    sender = senders.sender(actor, sender_id)
    provider = _provider(actor, sender.provider, stored=True)
    test, given = _asked(actor, "test"), _consented(actor)
    shown = given.settings if given else (test or sender).fields.settings()
    shown |= _place(found_values(actor, request.args.get("found")))
    ladder = test or _asked(actor, "ladder") or testing.latest(actor, sender_id)
    return Page(
        actor=actor,
        provider=provider,
        form=_form(shown, provider),
        sender=sender,
        test=ladder if test or _is_of(ladder, sender.fields.settings()) else None,
        lends=test is not None,
        consent=given.consent if given else None,
        record=_record(actor, sender),
        stood_in=stands_in_for(actor) == sender.id,
        dns=before_use(actor, sender),
    )


def saved(actor: Actor, sender_id: str, test: TestView | None) -> Page:
    """Just after it was saved, with the ladder that stood beside it."""
    sender = senders.sender(actor, sender_id)
    provider = _provider(actor, sender.provider, stored=True)
    form = _form(sender.fields.settings(), provider)
    return Page(
        actor=actor,
        provider=provider,
        form=form,
        sender=sender,
        test=test,
        record=_record(actor, sender),
        stood_in=stands_in_for(actor) == sender.id,
        dns=before_use(actor, sender),
    )


def sent(
    actor: Actor, *, sender_id: str | None = None, provider_id: str | None = None
) -> Page:
    """What a browser sent, not judged yet. Raises Missing."""
    sender = senders.sender(actor, sender_id) if sender_id else None
    wanted = sender.provider if sender else provider_id or OWN
    provider = _provider(actor, wanted, stored=sender is not None)
    form = SenderForm()
    return Page(
        actor=actor,
        provider=provider,
        form=form,
        sender=sender,
        test=_found(actor, form.test_id),
        lends=not form.keeps_all,
        consent=_sent_along(form),
    )


def following(actor: Actor, test: TestView, sender_id: str | None = None) -> Page:
    """A test under way, with the form as it was when it began. `sender_id` is the
    sender that was saved since, if the page knows one."""
    sender_id = sender_id or test.sender_id
    sender = senders.sender(actor, sender_id) if sender_id else None
    provider = _provider(actor, test.fields.provider, stored=True)
    return Page(
        actor=actor,
        provider=provider,
        form=_form(test.fields.settings(), provider),
        sender=sender,
        test=test,
        lends=True,
    )


def _sent_along(form: SenderForm) -> Consent | None:
    return Consent(id=form.consent.data) if form.consent.data else None


def refused(page: Page, fault: Invalid) -> Page:
    """The same page with a sentence beside each wrong field."""
    form = page.form
    form.refuse(fault)
    for name in form.secrets:
        field = form._fields[SECRETS[name][0]]
        if field.data and not field.errors:
            form.refuse_one(FieldError(name, _TYPE_AGAIN))
    return page


def _preset(actor: Actor, provider: Provider) -> dict[str, object]:
    found = knowledge.preset(actor.installation.catalogue, provider.id)
    settings: dict[str, object] = {
        "name": provider.name,
        **found.values,
        "pacing": asdict(Pacing()) | found.values.get("pacing", {}),
    }
    if settings["auth"] not in ways(provider):
        settings["auth"] = ways(provider)[0]
    if host := request.args.get("host", "").strip():
        settings["host"] = host  # what was searched for and not found
    return {**settings, **found_values(actor, request.args.get("found"))}


def _place(values: Mapping[str, object]) -> dict[str, object]:
    """Of what was found, where the relay is: who signs in stays as it is saved."""
    return {
        name: values[name] for name in ("host", "port", "security") if name in values
    }


def _form(settings: dict[str, object], provider: Provider) -> SenderForm:
    form = filled(SenderForm(formdata=None), settings, provider)
    place = find_place(provider, form.host.data or "")
    form.place.data = form.place_was.data = place.host if place else ""
    return form


def _provider(actor: Actor, provider_id: str, *, stored: bool = False) -> Provider:
    """A stored sender outlives its provider's file: it is an own server then.

    Raises Missing for any other that the catalogue does not have.
    """
    catalogue = actor.installation.catalogue
    found = catalogue.get(provider_id) or (catalogue.get(OWN) if stored else None)
    if found is None:
        raise Missing("The catalogue has no such provider.")
    return found


def stands_in_for(actor: Actor) -> str | None:
    """The id of the sender whose mail the platform default carries for now."""
    found = senders.route_now(actor.installation, actor.here.id).stands_in
    return found.sender_id if found else None


def _record(actor: Actor, sender: SenderView) -> DkimRecord | None:
    return dkim_record(actor, sender.id) if sender.fields.dkim_signing else None


def _asked(actor: Actor, name: str) -> TestView | None:
    """The live test that the address names; one that is gone is no fault."""
    return _found(actor, request.args.get(name))


def _consented(actor: Actor) -> _Given | None:
    """The consent that the address names, told of once; one that is gone is no
    fault."""
    consent_id = request.args.get("consent")
    lent = lender(actor, consent_id) if consent_id else None
    if consent_id is None or lent is None:
        return None
    told = json.loads(carried.take("consent") or "{}")
    refusal = told.get("refusal")
    given = REFRESH_TOKEN in lent.fields.secrets and not refusal
    advice = knowledge.refused_consent(refusal) if refusal else ()
    return _Given(
        settings=lent.fields.settings(),
        consent=Consent(id=consent_id, given=given, advice=advice, **told),
    )


def _found(actor: Actor, test_id: str | None) -> TestView | None:
    if not test_id:
        return None
    try:
        return testing.read(actor, test_id)
    except Missing:
        return None


def _is_of(test: TestView | None, settings: dict[str, object]) -> bool:
    """Whether a test says something about these settings."""
    if test is None:
        return False
    tried = test.fields.settings()
    return all(
        value == tried[name] for name, value in settings.items() if name not in UNTESTED
    )

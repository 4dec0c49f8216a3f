"""One's own account: the password, and where one is signed in."""

from __future__ import annotations

from typing import Any

from flask import Response, url_for
from wtforms import PasswordField

from portal.errors import Invalid
from portal.services import accounts
from portal.services.actor import Actor
from portal.services.words import SHORTEST
from portal.web import access, fragments, notices, words
from portal.web.forms import PortalForm

pages = access.blueprint("account", __name__)

_PAGE, _FRAGMENT = "account/page.html", "account/_account.html"


class PasswordForm(PortalForm):
    old = PasswordField("Your password now")
    new = PasswordField("The new one")


@pages.get("/account")
def show() -> Response:
    actor = access.visitor()
    return fragments.page(_PAGE, **_shown(actor, PasswordForm(formdata=None)))


@pages.post("/account/password")
def change_password() -> Response:
    actor = access.visitor()
    form = PasswordForm()
    try:
        accounts.change_password(
            actor, old=form.old.data or "", new=form.new.data or ""
        )
    except Invalid as fault:
        form.refuse(fault)
        form.ask_again("old")
        form.ask_again("new")
        return fragments.answer(_PAGE, _FRAGMENT, 422, **_shown(actor, form))
    notices.say("The password is changed. Every other session of yours has ended.")
    return _done(actor)


@pages.post("/account/sessions/<int:session_id>/end")
def end_session(session_id: int) -> Response:
    actor = access.visitor()
    accounts.revoke(actor, session_id)
    if session_id == actor.session_id:
        return fragments.go("/sign-in")
    notices.say("That session has ended.")
    return _done(actor)


@pages.post("/account/sessions/end-others")
def end_others() -> Response:
    actor = access.visitor()
    ended = accounts.revoke_others(actor)
    notices.say(f"{words.count(ended, 'other session')} ended.")
    return _done(actor)


def _done(actor: Actor) -> Response:
    return fragments.redirect_after_post(
        url_for("account.show"),
        _FRAGMENT,
        **_shown(actor, PasswordForm(formdata=None)),
    )


def _shown(actor: Actor, form: PasswordForm) -> dict[str, Any]:
    return {
        "form": form,
        "person": actor.person,
        "sessions": accounts.sessions(actor),
        "shortest": SHORTEST,
    }

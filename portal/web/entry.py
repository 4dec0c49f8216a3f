"""The doors: sign in, sign out, and the way to the first tenant."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Response, g, request
from wtforms import PasswordField, StringField

from portal.errors import Invalid, TooMany, Unauthenticated
from portal.services import accounts, tenants
from portal.web import access, fragments, notices, sessions
from portal.web.forms import PortalForm

pages = access.blueprint("entry", __name__, open_to_all=True)


class SignInForm(PortalForm):
    email = StringField("E-mail address")
    password = PasswordField("Password")


@pages.get("/")
def home() -> Response:
    """To the person's first tenant, or to where there is something to do."""
    actor = access.visitor()
    mine = tenants.mine(actor)
    if mine:
        return fragments.go(f"/t/{mine[0][0].slug}/")
    if actor.person and actor.person.is_operator:
        return fragments.go("/tenants")
    return fragments.page("entry/nowhere.html")


@pages.get("/sign-in")
def sign_in_page() -> Response:
    if g.signed_in:
        return fragments.go(_next())
    return _show(SignInForm())


@pages.post("/sign-in")
def sign_in() -> Response:
    form = SignInForm()
    try:
        signed_in = accounts.sign_in(
            sessions.installation(),
            email=form.email.data or "",
            password=form.password.data or "",
            ip=request.remote_addr,
            user_agent=request.user_agent.string,
        )
    except (Unauthenticated, Invalid) as fault:
        form.form_errors = [fault.sentence]
        return _show(form, 422)
    except TooMany as fault:
        form.form_errors = [fault.sentence]
        response = _show(form, 429)
        response.headers["Retry-After"] = str(fault.retry_after_s)
        return response
    return sessions.begin(fragments.go(_next()), signed_in.token)


@pages.post("/sign-out")
def sign_out() -> Response:
    if g.signed_in:
        accounts.sign_out(access.visitor())
    g.actor = g.signed_in = None
    notices.say("You are signed out.")
    return sessions.end(fragments.go("/sign-in"))


def _show(form: SignInForm, status: int = 200) -> Response:
    return fragments.page(
        "entry/sign_in.html",
        status,
        form=form,
        has_people=accounts.has_people(),
        next=request.args.get("next", ""),
    )


def _next() -> str:
    """The page asked for before, if it is one of ours; browsers read a backslash
    as a slash and `//host` as another site."""
    asked = request.args.get("next", "")
    ours = asked.startswith("/") and not asked.startswith(("//", "/\\"))
    if ours and not any(ord(c) < 32 for c in asked) and not urlsplit(asked).netloc:
        return asked
    return "/"

"""Set-up, step 1 of 3: the one-time link, the owner's account, the first tenant.

Step 2 is the page that asks where the mail goes, step 3 its live test.
"""

from __future__ import annotations

from flask import Response, request
from wtforms import PasswordField, StringField

from portal.errors import Gone, Invalid
from portal.services import accounts
from portal.services.words import SHORTEST
from portal.web import access, errors, fragments, sessions
from portal.web.forms import PortalForm

pages = access.blueprint("set_up", __name__, open_to_all=True)

USED = (
    "A set-up link works once. If it was you who used it, sign in. If it was not, "
    "stop the portal: whoever used it owns it."
)


class SetUpForm(PortalForm):
    name = StringField("Name")
    email = StringField("E-mail address")
    password = PasswordField("Password")
    tenant = StringField("Name of the tenant", default="production")


@pages.get("/set-up/<token>")
def show(token: str) -> Response:
    try:
        accounts.check_setup_link(token)
    except Gone:
        return _used()
    return _show(token, SetUpForm())


@pages.post("/set-up/<token>")
def set_up(token: str) -> Response:
    form = SetUpForm()
    try:
        actor = accounts.set_up(
            sessions.installation(),
            token=token,
            name=form.name.data or "",
            email=form.email.data or "",
            password=form.password.data or "",
            tenant_name=form.tenant.data or "",
            ip=request.remote_addr,
        )
    except Gone:
        return _used()
    except Invalid as fault:
        form.refuse(fault)
        form.ask_again("password")
        return _show(token, form, 422)
    signed_in = accounts.sign_in(
        sessions.installation(),
        email=form.email.data or "",
        password=form.password.data or "",
        ip=request.remote_addr,
        user_agent=request.user_agent.string,
    )
    response = fragments.go(f"/t/{actor.here.slug}/senders/new")
    return sessions.begin(response, signed_in.token)


def _show(token: str, form: SetUpForm, status: int = 200) -> Response:
    return fragments.page(
        "set_up/page.html", status, form=form, token=token, shortest=SHORTEST
    )


def _used() -> Response:
    return errors.show(410, USED, href="/sign-in", word="Sign in")

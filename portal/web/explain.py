"""Explain an error: what a mail server said, pasted by anyone who is signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Response
from wtforms import StringField, TextAreaField

from portal.delivery.types import Stage
from portal.errors import Invalid
from portal.web import access, fragments
from portal.web.forms import PortalForm
from portal.web.frame import around
from portal.web.rungs import NAMES

if TYPE_CHECKING:
    from portal.services.explaining import Explained

pages = access.blueprint("explain", __name__)

PAGE, FRAGMENT = "explain/page.html", "explain/_explain.html"
STAGES = (("", "I do not know"), *((s.value, f"{NAMES[s]} ({s})") for s in Stage))


class ExplainForm(PortalForm):
    text = TextAreaField("Reply or error")
    stage = StringField("Where it came")
    host = StringField("Relay host")


@pages.get("/explain")
def show() -> Response:
    return fragments.page(PAGE, **_context(ExplainForm(formdata=None)))


@pages.post("/explain")
def answer() -> Response:
    # Here, as what reads logs and bounces takes long to import for a page so rare.
    from portal.services.explaining import explained

    form = ExplainForm()
    try:
        found = explained(
            access.visitor().installation.catalogue,
            form.text.data or "",
            stage=form.stage.data or "",
            host=form.host.data or "",
        )
    except Invalid as fault:
        form.refuse(fault)
        return fragments.answer(PAGE, FRAGMENT, 422, **_context(form))
    return fragments.answer(PAGE, FRAGMENT, **_context(form, found))


def certainty(confidence: float) -> str:
    if confidence >= 0.9:
        return f"quite sure ({confidence:g})"
    return f"{'likely' if confidence >= 0.6 else 'unsure'} ({confidence:g})"


def _context(form: ExplainForm, answers: tuple[Explained, ...] = ()) -> dict[str, Any]:
    return {
        "form": form,
        "around": around(),
        "stages": STAGES,
        "answers": answers,
        "certainty": certainty,
        "settings": _settings,
    }


def _settings(changes: dict[str, object]) -> str:
    """`port = 465, security = tls`, as the form of a sender names its fields."""
    return ", ".join(f"{name} = {value or 'empty'}" for name, value in changes.items())

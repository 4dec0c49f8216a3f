"""The one place that knows whether htmx or a plain form is asking.

A GET address has one representation, a page or a fragment. A POST answers a
fragment to htmx, and to a form a redirect, or the whole page where the input
was refused.
"""

from __future__ import annotations

from typing import Any

from flask import Response, make_response, redirect, render_template
from htmx_flask import request
from markupsafe import Markup

from portal.web import notices
from portal.web.frame import frame


def by_htmx() -> bool:
    return bool(request.htmx)


def page(template: str, status: int = 200, **context: Any) -> Response:
    """A whole page, with who carries the mail beside it."""
    return make_response(render_template(template, frame=frame(), **context), status)


def fragment(template: str, status: int = 200, **context: Any) -> Response:
    """A part that a page includes, from an address of its own."""
    return make_response(render_template(template, **context), status)


def answer(
    page_template: str,
    fragment_template: str,
    status: int = 200,
    *,
    beside: str = "",
    **context: Any,
) -> Response:
    """After a POST that shows something: refused input (422), a result. `beside`: a
    fragment elsewhere on the page that follows from it."""
    if by_htmx():
        response = _with_notice(fragment_template, status, **context)
        if beside:
            more = render_template(beside, oob=True, **context)
            response.set_data(response.get_data(as_text=True) + more)
        return response
    return page(page_template, status, **context)


def redirect_after_post(
    to: str,
    fragment_template: str,
    *,
    moved: bool = False,
    title: str = "",
    **context: Any,
) -> Response:
    """After a POST that did something: its fragment, or the page at `to`.

    `moved`: another sender carries the mail now, which the side bar says too.
    `title`: the page is another one now, and the window is named after it.
    """
    if not by_htmx():
        return go(to)
    response = _with_notice(fragment_template, 200, **context)
    if title:
        named = str(Markup("<title>{} · SMTP Portal</title>").format(title))
        response.set_data(response.get_data(as_text=True) + named)
    if moved:
        around = frame()
        through = render_template("_through.html", frame=around, oob=True)
        fallback = render_template("_fallback.html", frame=around, oob=True)
        response.set_data(response.get_data(as_text=True) + through + fallback)
    return response


def go(to: str) -> Response:
    """To another page, whoever asks; what was said is shown there."""
    if by_htmx():
        response = make_response("", 200)
        response.headers["HX-Redirect"] = to
        return notices.carry(response)
    return notices.carry(make_response(redirect(to, code=303)))


def _with_notice(template: str, status: int, **context: Any) -> Response:
    html = render_template(template, **context)
    return make_response(html + render_template("_notice.html", oob=True), status)

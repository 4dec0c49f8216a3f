"""Error pages say what is safe; to htmx they are a notice and the page stays."""

from __future__ import annotations

import pytest
from flask import Blueprint

from portal.app import create_app
from portal.errors import Conflict, TooMany, Unavailable
from portal.web import access

CASES = {
    "conflict": (Conflict("It runs already."), 409),
    "too-many": (TooMany("Wait a minute.", retry_after_s=60), 429),
    "unavailable": (Unavailable("The disk is full.", retry_after_s=30), 503),
}


def failing() -> Blueprint:
    """A page of ours for each fault, and one with a mistake of ours."""
    pages = access.blueprint("failing", __name__, open_to_all=True)

    @pages.get("/fails/<name>")
    def fail(name: str) -> str:
        if name in CASES:
            raise CASES[name][0]
        raise RuntimeError("secret words of the program")

    return pages


@pytest.fixture
def app(installation):
    made = create_app(installation=installation)
    made.register_blueprint(failing())
    return made


@pytest.mark.parametrize("name", CASES)
def test_a_fault_is_a_page_with_its_sentence(nobody, name: str):
    fault, status = CASES[name]

    answer = nobody.get(f"/fails/{name}")

    assert answer.status_code == status
    assert fault.sentence in answer.text
    assert "<html" in answer.text
    retry = getattr(fault, "retry_after_s", None)
    assert answer.headers.get("Retry-After") == (str(retry) if retry else None)


@pytest.mark.parametrize("name", CASES)
def test_to_htmx_a_fault_is_a_notice_alone(nobody, name: str):
    """What was typed stays: nothing but the notice is swapped."""
    fault, status = CASES[name]

    answer = nobody.get(f"/fails/{name}", htmx=True)

    assert answer.status_code == status
    assert answer.text.strip().startswith('<div id="notice"')
    assert 'hx-swap-oob="outerHTML"' in answer.text
    assert fault.sentence in answer.text


@pytest.mark.parametrize("htmx", [False, True])
def test_a_mistake_of_ours_shows_none_of_its_words(nobody, caplog, htmx: bool):
    answer = nobody.get("/fails/otherwise", htmx=htmx)

    assert answer.status_code == 500
    assert "secret words" not in answer.text
    assert "mail that was accepted is safe" in answer.text
    assert "RuntimeError: secret words of the program" in caplog.text


def test_an_unknown_address_is_a_page(nobody):
    answer = nobody.get("/nowhere/<b>")

    assert answer.status_code == 404
    assert "There is nothing at this address" in answer.text
    assert "&lt;b&gt;" in answer.text


def test_the_wrong_method_names_the_right_one(nobody):
    answer = nobody.client.get("/sign-out")

    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize("htmx", [False, True])
def test_a_database_that_is_gone_is_no_mistake_of_ours(
    nobody, installation, database, caplog, htmx: bool
):
    """503 and not 500, whichever page it was: later it works."""
    database.close()
    database.close_all()
    for path in installation.settings.instance.glob("portal.db*"):
        path.unlink()

    answer = nobody.get("/sign-in", htmx=htmx)

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "30"
    assert "Accepted mail is safe" in answer.text
    assert "no such table" in caplog.text
    database.connect()

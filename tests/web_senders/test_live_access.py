"""Who may begin, see and stop a live test, and what a refused relay says to whom."""

from __future__ import annotations

import dataclasses

import pytest

from portal.app import create_app
from tests.browsing import Visitor
from tests.web_senders.conftest import BASE, START
from tests.web_senders.reading import rungs, started, words


@pytest.fixture
def guarded(installation):
    """The portal of an operator who allows no relay on loopback."""
    settings = dataclasses.replace(installation.settings, relay_allow=())
    return dataclasses.replace(installation, settings=settings)


@pytest.mark.parametrize("who", ["owner", "admin"])
def test_a_refused_relay_names_its_setting_to_owners(
    request, guarded, form, run_tests, who: str
):
    """Everybody else reads the one uniform sentence."""
    app = create_app(installation=guarded)
    visitor = Visitor(app, request.getfixturevalue(who))

    answer = visitor.post(START, form(host="127.0.0.1", port=25))
    run_tests(guarded)

    page = words(visitor.get(answer.headers["Location"]).text)
    assert rungs(page)["dns"] == "failed"
    assert ("PORTAL_RELAY_ALLOW=127.0.0.1:25" in page) is (who == "owner")


def test_a_viewer_sees_a_ladder_and_begins_none(as_admin, as_viewer, form, saved):
    at = saved()
    begun = as_admin.post(f"{at}/test", form(), htmx=True)
    ladder = as_viewer.get(started(begun.text))

    assert ladder.status_code == 200
    assert "<button" not in ladder.text
    for path in (START, f"{at}/test", f"{BASE}/repair", f"{started(begun.text)}/stop"):
        assert as_viewer.post(path, form()).status_code == 403


def test_a_stranger_sees_no_ladder(as_admin, as_stranger, form):
    begun = as_admin.post(START, form(), htmx=True)
    ours = started(begun.text)

    for path in (ours, ours.replace("acme-inc", "other-ltd")):
        assert as_stranger.get(path).status_code == 404
        assert as_stranger.post(f"{path}/stop").status_code == 404
    assert as_stranger.post(START, form()).status_code == 404


def test_too_many_tests_leave_the_page_as_it_is(app, admin, form, installation):
    """429 as a notice: the form and its secret stay where they are."""
    limited = dataclasses.replace(installation.settings, limits=True)
    here = dataclasses.replace(installation, settings=limited)
    visitor = Visitor(create_app(installation=here), admin)

    answers = [visitor.post(START, form(), htmx=True) for _ in range(11)]

    last = answers[-1]
    assert last.status_code == 429
    assert 'id="notice"' in last.text
    assert 'id="ladder"' not in last.text

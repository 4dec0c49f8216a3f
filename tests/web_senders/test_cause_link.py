"""A diagnosis leads to the page of its cause: under a ladder and on a message."""

from __future__ import annotations

import re

from tests.web.pages import furnish
from tests.web_senders.conftest import START
from tests.web_senders.reading import started

LINK = re.compile(r'href="(/causes/\w+\?in=acme-inc)"')


def test_under_the_rung_that_failed(as_admin, form, play, run_tests):
    relay = play("greets_with_554.txt")
    begun = as_admin.post(START, form(port=relay.port), htmx=True)
    run_tests()

    ladder = as_admin.get(started(begun.text), htmx=True).text

    (link,) = set(LINK.findall(ladder))
    page = as_admin.get(link)
    assert page.status_code == 200
    assert "What it means" in page.text


def test_on_the_page_of_a_message(as_viewer, make, owner):
    world = furnish(make, owner)

    page = as_viewer.get(f"/t/acme-inc/messages/{world.failed.public_id}").text

    assert LINK.findall(page) == ["/causes/recipient_unknown?in=acme-inc"]

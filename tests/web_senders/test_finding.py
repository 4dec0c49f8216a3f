"""Find my settings, from the question to the form that is filled in."""

from __future__ import annotations

import asyncio
import dataclasses
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from portal.engine.searches import Searches
from tests.browsing import Visitor
from tests.web_senders.conftest import BASE
from tests.web_senders.reading import chosen, value, words

FIND = f"{BASE}/find"


@pytest.fixture
def settings(settings, zones, place):
    server = zones(
        {
            "relay.test": f"@ A {place}",
            "other.example": "",
            "peer.example": "_submission._tcp SRV 0 1 2525 relay.test.",
        }
    )
    return dataclasses.replace(settings, dns=server.address)


@pytest.fixture
def relay(sink, authority, place):
    context = authority.contexts["good"]
    return sink(users={"kim": "x"}, starttls=context, host=place, port=2525)


@pytest.fixture
def run_searches(installation):
    async def look() -> None:
        with ThreadPoolExecutor(1) as threads:
            searches = Searches(installation, "test", threads, within_s=6)
            await searches.look()
            await searches.stop(30)

    return lambda: asyncio.run(look())


def polled(html: str) -> str:
    found = re.search(r'hx-get="([^"]+/found[^"]*)"', html)
    assert found, "it does not ask again"
    return found[1]


def test_a_plain_form_leads_to_a_page_of_its_own(as_admin, relay, run_searches):
    answer = as_admin.post(FIND, {"asked": "kim@peer.example"})
    run_searches()

    assert answer.status_code == 303
    page = as_admin.get(answer.headers["Location"]).text
    assert "relay.test answers on 2525 with STARTTLS." in words(page)
    assert "Nobody vouches for it" in page
    assert relay.log_ons == []


def test_htmx_gets_a_fragment_that_asks_until_it_is_done(as_admin, relay, run_searches):
    begun = as_admin.post(FIND, {"asked": "kim@peer.example"}, htmx=True)
    assert begun.text.lstrip().startswith('<div class="stack" id="found"')
    assert "<html" not in begun.text
    again = polled(begun.text)

    run_searches()

    ended = as_admin.get(again, htmx=True).text
    assert "hx-trigger" not in ended
    assert "Use these settings" in ended


def test_what_was_found_fills_the_form(as_admin, relay, run_searches):
    answer = as_admin.post(FIND, {"asked": "kim@peer.example"})
    run_searches()
    page = as_admin.get(answer.headers["Location"]).text
    [use] = re.findall(r'id="use-found"[^>]*href="([^"]+)"', page)

    form = as_admin.get(use).text

    assert value(form, "host") == "relay.test"
    assert value(form, "port") == "2525"
    assert chosen(form, "security") == "starttls"
    assert value(form, "username") == "kim@peer.example"
    assert value(form, "from_address") == "kim@peer.example"


def test_a_saved_sender_keeps_who_signs_in(as_admin, saved, relay, run_searches):
    sender = saved(port=2526, from_address="lee@example.org")
    sender_id = sender.rpartition("/")[2].partition("?")[0]
    answer = as_admin.post(f"{FIND}?sender={sender_id}", {"asked": "kim@peer.example"})
    run_searches()
    page = as_admin.get(answer.headers["Location"]).text
    [use] = re.findall(r'id="use-found"[^>]*href="([^"]+)"', page)

    form = as_admin.get(use).text

    assert f"/senders/{sender_id}?found=" in use
    assert value(form, "host") == "relay.test"
    assert value(form, "from_address") == "lee@example.org"


@pytest.mark.parametrize("htmx", [False, True])
def test_what_is_no_address_is_said_beside_the_field(as_admin, htmx):
    answer = as_admin.post(FIND, {"asked": "no host"}, htmx=htmx)

    assert answer.status_code == 422
    assert 'id="asked-error"' in answer.text
    assert ("<html" in answer.text) is not htmx


def test_nothing_found_says_whom_to_ask(as_admin, run_searches):
    answer = as_admin.post(FIND, {"asked": "kim@other.example"})
    run_searches()

    page = words(as_admin.get(answer.headers["Location"]).text)

    assert "No relay answers for kim@other.example." in page
    assert "smtp.other.example has no address" in page


def test_a_stranger_and_a_viewer_get_nothing(app, as_admin, as_viewer, stranger):
    answer = as_admin.post(FIND, {"asked": "peer.example"})
    where = answer.headers["Location"]

    assert Visitor(app, stranger).get(where).status_code == 404
    assert as_viewer.get(FIND).status_code == 403
    assert as_viewer.post(FIND, {"asked": "peer.example"}).status_code == 403


def test_the_way_there_stands_where_providers_are_chosen(as_admin):
    assert f'href="{FIND}"' in as_admin.get(f"{BASE}/new").text

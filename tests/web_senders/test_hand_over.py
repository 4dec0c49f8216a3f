"""The guide, the hand-over page and its link, in the browser of each person."""

from __future__ import annotations

import re

import pytest

from portal.store.models import HandOver, SenderVersion
from tests.browsing import Visitor
from tests.relays.certificates import Authority
from tests.web_senders.asking import upload
from tests.web_senders.conftest import BASE, NEW

RELAY = f"{BASE}/new/google_workspace_relay"
HELD_BY_ANOTHER = {
    "host": "smtp.example.net",
    "port": "587",
    "security": "starttls",
    "auth": "password",
    "then": "hand_over",
}
WORKSPACE = {
    "provider": "google_workspace_relay",
    "host": "smtp-relay.gmail.com",
    "port": "587",
    "security": "starttls",
    "from_address": "no-reply@harbour.example",
}
GIVEN = {"host": "mx.example.net", "username": "portal", "password": "Given-once-1"}
LINK = re.compile(r'<code id="fresh-link">http://localhost(/hand-over/[^<]+)</code>')


@pytest.fixture
def draft(as_admin: Visitor, form) -> str:
    """The address of a sender that was saved without its credentials."""
    answer = as_admin.post(NEW, form(**HELD_BY_ANOTHER))
    assert answer.status_code == 303, answer.text
    at = answer.headers["Location"]
    assert at.endswith("/hand-over")
    return at.removesuffix("/hand-over")


@pytest.fixture
def link(as_admin: Visitor, draft: str) -> str:
    opens = {"opens": ["host", "username", "secret"]}
    page = as_admin.follow(f"{draft}/hand-over", opens)
    found = LINK.search(page)
    assert found, page
    return found[1]


def newest() -> SenderVersion:
    return SenderVersion.select().order_by(SenderVersion.id.desc()).first()


def test_a_sender_is_saved_without_what_another_person_holds(as_admin, draft):
    page = as_admin.get(f"{draft}/hand-over").text

    assert "What we need from your e-mail administrator" in page
    assert "smtp.<wbr>example.<wbr>net port 587, STARTTLS" in page
    assert newest().settings["username"] == ""


def test_by_htmx_a_draft_leads_to_its_hand_over(as_admin, form):
    answer = as_admin.post(NEW, form(**HELD_BY_ANOTHER), htmx=True)

    assert answer.status_code == 200
    assert answer.headers["HX-Redirect"].endswith("/hand-over")


def test_a_link_is_shown_once(as_admin, draft, link):
    again = as_admin.get(f"{draft}/hand-over").text

    assert link not in again
    assert "Open" in again and "Withdraw" in again


def test_by_htmx_the_link_comes_in_its_panel_alone(as_admin, draft):
    opens = {"opens": ["secret"]}
    answer = as_admin.post(f"{draft}/hand-over", opens, htmx=True)

    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert answer.text.startswith('<section class="panel" id="links"')
    assert LINK.search(answer.text)


@pytest.mark.parametrize("htmx", [False, True])
def test_a_link_that_asks_for_nothing_is_refused(as_admin, draft, htmx):
    answer = as_admin.post(f"{draft}/hand-over", htmx=htmx)

    assert answer.status_code == 422
    assert "Leave at least one field open." in answer.text
    assert HandOver.select().count() == 0


@pytest.mark.parametrize("htmx", [False, True])
def test_a_person_without_an_account_gives_what_is_asked(
    as_admin, nobody, draft, link, htmx
):
    page = nobody.get(link)
    assert page.status_code == 200
    answer = nobody.post(link, GIVEN, htmx=htmx)

    assert answer.status_code == 200
    assert ("<html" in answer.text) is not htmx
    assert "It is sealed and stored" in answer.text
    assert newest().settings["host"] == "mx.example.net"
    assert nobody.get(link).status_code == 410
    assert nobody.post(link, GIVEN).status_code == 410
    told = as_admin.get(f"{draft}/hand-over").text
    assert "Used" in told and "version 2" in told
    sender = as_admin.get(draft).text
    assert "Version 2 came through a hand-over link." in sender


def test_that_person_sees_nothing_else_of_the_portal(nobody, draft, link):
    page = nobody.get(link).text

    assert "Acme Inc" not in page and "acme-inc" not in page
    assert "Acme relay" not in page
    assert '<aside class="side"' not in page
    assert draft.rpartition("/")[2] not in page
    assert nobody.get(draft).status_code == 303
    hrefs = set(re.findall(r'href="(/[^"]*)"', page))
    assert {href for href in hrefs if not href.startswith("/static/")} == {"/"}


def test_what_is_wrong_stands_beside_its_field_and_no_secret_comes_back(nobody, link):
    nobody.get(link)
    answer = nobody.post(link, {**GIVEN, "host": "no host", "username": ""})

    assert answer.status_code == 422
    assert 'id="username-error">This is missing.' in answer.text
    assert GIVEN["password"] not in answer.text
    assert "Type it again" in answer.text
    assert 'value="no host"' in answer.text
    assert nobody.post(link, GIVEN).status_code == 200


def test_another_site_gives_nothing(nobody, link):
    nobody.get(link)
    nobody.token = "guessed"

    assert nobody.post(link, GIVEN).status_code == 403
    assert HandOver.get().used_at is None


def test_a_link_that_was_never_made_is_not_found(nobody):
    assert nobody.get("/hand-over/" + "x" * 43).status_code == 404


@pytest.mark.parametrize("htmx", [False, True])
def test_a_withdrawn_link_has_done_its_work(as_admin, nobody, draft, link, htmx):
    row = HandOver.get()
    path = f"{draft}/hand-over/{row.public_id}/revoke"

    answer = as_admin.post(path, htmx=htmx)

    assert answer.status_code == (200 if htmx else 303)
    gone = nobody.get(link)
    assert gone.status_code == 410
    assert "This link has done its work" in gone.text


def test_a_viewer_reads_the_list_and_makes_no_link(as_viewer, draft):
    page = as_viewer.get(f"{draft}/hand-over")

    assert page.status_code == 200
    assert 'id="links"' not in page.text
    assert as_viewer.post(f"{draft}/hand-over", {"opens": "secret"}).status_code == 403


def test_a_stranger_finds_neither_guide_nor_links(as_stranger, draft, link):
    row = HandOver.get()

    assert as_stranger.get(f"{draft}/guide").status_code == 404
    assert as_stranger.get(f"{draft}/hand-over").status_code == 404
    revoke = f"{draft}/hand-over/{row.public_id}/revoke"
    assert as_stranger.post(revoke).status_code == 404
    assert HandOver.get().revoked_at is None


def test_the_guide_has_our_addresses_and_the_provider_s_words(as_admin, form):
    at = as_admin.post(RELAY, form(**WORKSPACE)).headers["Location"]

    page = as_admin.get(f"{at}/guide").text

    assert "Admin console: Apps, Google Workspace, Gmail, Routing" in page
    assert "add the portal address (198.51.100.24) or range" in page
    assert re.search(r'<code id="allow-\d">198\.51\.100\.24</code>', page)
    assert "SPF of harbour.example" in page
    assert "v=spf1 include:_spf.google.com ~all" in page
    listed = as_admin.get(f"{at}/hand-over").text
    assert listed.count('<code id="spf-3">v=spf1 include:_spf.google.com ~all') == 1
    assert "v%3Dspf1%20include%3A_spf.google.com" in listed  # in the mail to send


def test_microsoft_s_pace_stands_in_the_form(as_admin):
    page = as_admin.get(f"{BASE}/new/microsoft365").text

    assert re.search(r'name="max_connections"[^>]* value="3"', page)
    assert re.search(r'name="per_minute"[^>]* value="30"', page)


def test_a_certificate_comes_as_files(as_admin, nobody, form, authority: Authority):
    values = form(
        host="smtp.example.net",
        port=587,
        security="starttls",
        auth="client_cert",
        then="hand_over",
    )
    at = as_admin.post(NEW, values).headers["Location"]
    page = as_admin.follow(at, {"opens": "secret"})
    path = LINK.search(page)[1]
    nobody.get(path)
    client = authority.clients["good"]

    files = {
        "client_cert_file": upload(client.certificate, "app.pem"),
        "client_key_file": upload(client.key, "app.key"),
    }
    answer = nobody.post(path, files)

    assert answer.status_code == 200, answer.text
    assert "BEGIN CERTIFICATE" in newest().settings["client_cert"]

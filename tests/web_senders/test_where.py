"""Where does your mail go: every provider has a card that leads to its form."""

from __future__ import annotations

import re

import pytest

from tests.web_senders.conftest import BASE

PROMINENT = (
    "Amazon SES",
    "Twilio SendGrid",
    "Postmark",
    "Mailgun (EU)",
    "Microsoft 365",
    "Gmail",
    "Google Workspace relay",
    "Own SMTP server",
    "Sandbox",
)
CARD = re.compile(r'<a class="cover" href="([^"]+)">([^<]+)</a>')


def cards(html: str) -> dict[str, str]:
    return {name: href for href, name in CARD.findall(html)}


@pytest.mark.parametrize("name", PROMINENT)
def test_the_usual_ones_stand_first(as_admin, name: str):
    assert name in cards(as_admin.get(f"{BASE}/new").text)


def test_all_of_the_catalogue_can_be_reached(as_admin, installation):
    """Each card opens a form that is filled in."""
    shown = cards(as_admin.get(f"{BASE}/new?all=1").text)

    answers = {href: as_admin.get(href).status_code for href in shown.values()}

    assert len(shown) == len(installation.catalogue.all())
    assert set(answers.values()) == {200}


def test_a_provider_is_found_by_its_host(as_admin):
    shown = cards(as_admin.get(f"{BASE}/new?q=smtp-relay.gmail.com").text)

    assert list(shown) == ["Google Workspace relay", "Own SMTP server"]


def test_htmx_gets_the_cards_alone(as_admin):
    answer = as_admin.get(f"{BASE}/new/providers?q=365", htmx=True)

    assert "<html" not in answer.text
    assert answer.text.lstrip().startswith('<div class="stack" id="providers"')
    assert "Microsoft 365" in cards(answer.text)


def test_an_unknown_host_goes_into_the_form_of_an_own_server(as_admin):
    """Nobody is turned away for having a relay that no catalogue knows."""
    page = as_admin.get(f"{BASE}/new?q=mail.harbour.example").text
    href = cards(page)["Own SMTP server"]

    assert "No provider here is called" in page
    assert 'value="mail.harbour.example"' in as_admin.get(href).text


def test_what_was_searched_for_is_text(as_admin):
    page = as_admin.get(f"{BASE}/new?q=<script>alert(1)</script>").text

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_a_viewer_has_nothing_to_choose(as_viewer):
    assert as_viewer.get(f"{BASE}/new").status_code == 403


def test_a_stranger_finds_no_cards(as_stranger):
    assert as_stranger.get(f"{BASE}/new").status_code == 404
    assert as_stranger.get(f"{BASE}/new/providers").status_code == 404


def test_a_provider_nobody_knows_is_404(as_admin):
    assert as_admin.get(f"{BASE}/new/nobodys-mail").status_code == 404

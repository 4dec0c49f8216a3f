"""A person's consent, from the button of the form to the form again."""

from __future__ import annotations

import html
import re
import ssl
from http.client import HTTPSConnection
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from portal.services.senders.sealing import open_secrets
from portal.store.models import OAuthConsent, SenderVersion
from tests.browsing import Visitor
from tests.web_senders.asking import of_person
from tests.web_senders.conftest import BASE, NEW, START
from tests.web_senders.reading import chosen, rungs, started, value, words

CONNECT = f"{BASE}/connect"
CALLBACK = "/oauth/callback"


@pytest.fixture
def server(token_server, authority):
    return token_server(tls=authority.contexts["good"])


@pytest.fixture
def sent(form, server, authority):
    def build(**changes: object) -> dict[str, str]:
        return form(**{**of_person(server, authority), **changes})

    return build


@pytest.fixture
def decide(authority):
    """`decide(page)`: follows the link of the page, and says what the provider sends
    the browser back with."""

    def say(page: str, decision: str = "allow") -> str:
        link = re.search(r'id="continue" href="([^"]+)"', page)
        assert link, page
        parts = urlsplit(html.unescape(link[1]))
        fields = {name: each[0] for name, each in parse_qs(parts.query).items()}
        trust = ssl.create_default_context(cadata=authority.pem)
        browser = HTTPSConnection(parts.hostname, parts.port, context=trust)
        browser.request("POST", parts.path, urlencode({**fields, "decision": decision}))
        answer = browser.getresponse()
        answer.read()
        browser.close()
        back = urlsplit(answer.headers["Location"])
        assert back.path == CALLBACK
        return f"{CALLBACK}?{back.query}"

    return say


@pytest.mark.parametrize("htmx", [False, True], ids=["plain", "htmx"])
def test_a_person_is_asked_by_a_link(as_admin, sent, htmx: bool):
    """No form leads elsewhere (CSP); with htmx the block of the consent alone is
    swapped, so that the form keeps what was typed."""
    answer = as_admin.post(CONNECT, sent(), htmx=htmx)

    assert answer.status_code == 200
    assert ("<html" in answer.text) is not htmx
    assert "Continue at 127.0.0.1" in answer.text
    assert 'rel="noreferrer"' in answer.text
    assert answer.text.lstrip().startswith('<div class="stack"') is htmx
    assert "hush client secret" not in answer.text


@pytest.mark.parametrize("htmx", [False, True], ids=["plain", "htmx"])
def test_a_wrong_field_asks_nobody(as_admin, sent, htmx: bool):
    answer = as_admin.post(CONNECT, sent(authorize_url="nowhere"), htmx=htmx)

    assert answer.status_code == 422
    assert ("<html" in answer.text) is not htmx
    assert 'id="authorize_url-error"' in answer.text
    assert OAuthConsent.select().count() == 0


def test_the_redirect_uri_is_shown_for_copying(as_admin):
    page = as_admin.get(NEW).text

    assert '<code id="redirect-uri">http://localhost/oauth/callback</code>' in page
    assert 'data-copy="redirect-uri"' in page


def test_who_allowed_comes_back_to_the_form_as_it_was(as_admin, sent, decide, server):
    """Filled again but for the secrets, which are lent; nothing is saved yet."""
    asked = as_admin.post(CONNECT, sent(host="127.0.0.1", port=4587)).text

    answer = as_admin.get(decide(asked))

    assert answer.status_code == 303
    assert "code=" not in answer.headers["Location"]
    page = words(as_admin.get(answer.headers["Location"]).text)
    assert f"Connected as <bdi>{server.user}</bdi>. Not saved yet" in page
    assert value(page, "port") == "4587"
    assert value(page, "client_id") == server.client_id
    assert chosen(page, "refresh_token_choice") == "lent"
    assert server.client_secret not in page
    assert all(token not in page for token in server.refresh_tokens)
    assert SenderVersion.select().count() == 0


def test_the_form_that_came_back_is_tested_and_saved(
    as_admin, sent, decide, server, oauth_sink, authority, run_tests, installation
):
    relay = oauth_sink(tokens=server, starttls=authority.contexts["good"])
    asked = as_admin.post(CONNECT, sent(port=relay.port)).text
    page = as_admin.get(as_admin.get(decide(asked)).headers["Location"]).text
    lent = {
        "consent": value(page, "consent"),
        "client_secret": "",
        "client_secret_choice": "lent",
        "refresh_token_choice": "lent",
    }

    begun = as_admin.post(START, sent(port=relay.port, **lent), htmx=True)
    run_tests()
    ended = words(as_admin.get(started(begun.text)).text)
    saved = as_admin.post(NEW, sent(port=relay.port, **lent))

    assert set(rungs(ended).values()) == {"ok"}
    assert saved.status_code == 303, saved.text
    version = SenderVersion.get()
    found = open_secrets(installation.vault, version)
    assert found["oauth.refresh_token"].reveal() in server.refresh_tokens
    assert found["oauth.client_secret"].reveal() == server.client_secret
    assert version.test_status == "sent"


def test_a_refusal_is_explained_on_the_form(as_admin, sent, decide):
    asked = as_admin.post(CONNECT, sent()).text

    answer = as_admin.get(decide(asked, decision="deny"))

    page = as_admin.get(answer.headers["Location"]).text
    assert "Not connected" in page
    assert "access_denied" in page
    assert "AADSTS65004" in page
    assert "The token lacks consent" in page
    assert "have an administrator consent" in page
    assert "Connected as" not in page


def test_what_the_provider_says_is_text(as_admin, sent):
    asked = as_admin.post(CONNECT, sent()).text
    link = html.unescape(re.search(r'id="continue" href="([^"]+)"', asked)[1])
    state = parse_qs(urlsplit(link).query)["state"][0]
    hostile = urlencode(
        {"state": state, "error": "<b>", "error_description": "<script>alert(1)"}
    )

    answer = as_admin.get(f"{CALLBACK}?{hostile}")

    page = as_admin.get(answer.headers["Location"]).text
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_an_answer_is_taken_once(as_admin, sent, decide):
    back = decide(as_admin.post(CONNECT, sent()).text)
    as_admin.get(back)

    assert as_admin.get(back).status_code == 410


def test_an_answer_is_taken_by_the_browser_that_asked(
    app, as_admin, admin, as_stranger, nobody, sent, decide
):
    """Not by another session of the same person, by strangers, nor by nobody."""
    back = decide(as_admin.post(CONNECT, sent()).text)

    assert Visitor(app, admin).get(back).status_code == 404
    assert as_stranger.get(back).status_code == 404
    assert nobody.get(back).headers["Location"].startswith("/sign-in")
    assert as_admin.get(back).status_code == 303


def test_a_saved_sender_is_connected_again(as_admin, sent, decide, server):
    given = sent(refresh_token=server.refresh_token())
    at = as_admin.post(NEW, given).headers["Location"]

    keeping = sent(client_secret="", client_secret_choice="keep")
    asked = as_admin.post(f"{at}/connect", keeping).text
    answer = as_admin.get(decide(asked))

    assert answer.headers["Location"].startswith(f"{at}?consent=")
    page = as_admin.get(answer.headers["Location"]).text
    assert "Edited, not saved" in page
    assert chosen(page, "refresh_token_choice") == "lent"
    assert chosen(page, "client_secret_choice") == "keep"

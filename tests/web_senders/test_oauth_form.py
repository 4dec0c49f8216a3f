"""OAuth 2.0 in the form: filled in by the catalogue, tested, saved, replaced."""

from __future__ import annotations

import json
import re

import pytest

from portal.services.senders.sealing import open_secrets
from portal.store.models import SenderVersion
from tests.relays.tokens import WRONG_SECRET
from tests.web_senders.asking import of_portal, upload
from tests.web_senders.conftest import BASE, NEW, START
from tests.web_senders.reading import chosen, rungs, value, words

MICROSOFT = f"{BASE}/new/microsoft365"
DIRECTORY = "contoso.onmicrosoft.com"


@pytest.fixture
def server(token_server, authority):
    return token_server(tls=authority.contexts["good"])


@pytest.fixture
def sent(form, server, authority):
    """`sent(port=…)`: the form of a sender whose tokens come from the test server."""

    def build(**changes: object) -> dict[str, str]:
        return form(**{**of_portal(server, authority), **changes})

    return build


@pytest.fixture
def relay(oauth_sink, server, authority):
    return oauth_sink(tokens=server, starttls=authority.contexts["good"])


def stored() -> SenderVersion:
    return SenderVersion.select().order_by(SenderVersion.id.desc()).first()


def test_microsoft_is_filled_in_but_for_the_directory(as_admin):
    """Its addresses stand in the catalogue; the directory is asked for by name."""
    page = as_admin.get(MICROSOFT).text

    assert chosen(page, "auth") == "oauth2"
    assert chosen(page, "grant") == "client_credentials"
    assert value(page, "token_url").endswith("/{tenant}/oauth2/v2.0/token")
    assert value(page, "scope") == "https://outlook.office365.com/.default"
    assert "Directory (tenant) ID" in page
    assert "SMTP.SendAsApp" in page  # what an administrator does first


@pytest.mark.parametrize(
    ("host", "token_host"),
    [
        ("smtp.office365.com", "login.microsoftonline.com"),
        ("smtp.office365.us", "login.microsoftonline.us"),
    ],
)
def test_the_directory_goes_into_the_addresses_of_the_cloud(
    as_admin, form, host: str, token_host: str
):
    """And comes back into its own field when the sender is opened again."""
    page = as_admin.get(MICROSOFT).text
    shown = {name: value(page, name) for name in ("token_url", "scope")}
    asked = form(
        **shown,
        provider="microsoft365",
        host=host,
        port=587,
        security="starttls",
        auth="oauth2",
        grant="client_credentials",
        directory=DIRECTORY,
        client_id="an id",
        client_secret="hush hush",
    )

    answer = as_admin.post(MICROSOFT, asked)

    assert answer.status_code == 303, answer.text
    oauth = stored().settings["oauth"]
    assert oauth["token_url"] == f"https://{token_host}/{DIRECTORY}/oauth2/v2.0/token"
    again = as_admin.get(answer.headers["Location"]).text
    assert value(again, "directory") == DIRECTORY
    assert "{tenant}" in value(again, "token_url")


def test_a_missing_directory_is_asked_for(as_admin, form):
    page = as_admin.get(MICROSOFT).text
    asked = form(
        provider="microsoft365",
        host="smtp.office365.com",
        security="starttls",
        auth="oauth2",
        grant="client_credentials",
        token_url=value(page, "token_url"),
        client_id="an id",
        client_secret="hush hush",
    )

    answer = as_admin.post(MICROSOFT, asked)

    assert answer.status_code == 422
    assert 'id="token_url-error"' in answer.text
    assert "hush hush" not in answer.text


def test_the_scope_follows_the_grant_without_a_script(as_admin, form):
    """Where nobody wrote another one, the scope of the chosen grant is meant."""
    page = as_admin.get(MICROSOFT).text
    asked = form(
        provider="microsoft365",
        host="smtp.office365.com",
        security="starttls",
        auth="oauth2",
        grant="refresh_token",
        directory=DIRECTORY,
        token_url=value(page, "token_url"),
        scope=value(page, "scope"),
        client_id="an id",
        refresh_token="a refresh token",
    )

    answer = as_admin.post(MICROSOFT, asked)

    assert answer.status_code == 303, answer.text
    oauth = stored().settings["oauth"]
    assert oauth["scope"] == "https://outlook.office.com/SMTP.Send offline_access"


def test_the_token_is_a_rung_of_its_own(as_admin, sent, relay, server, run_tests):
    """Its words are shown, the token and the secret never."""
    answer = as_admin.post(START, sent(port=relay.port))
    run_tests()

    page = words(as_admin.get(answer.headers["Location"]).text)
    assert rungs(page)["oauth_token"] == "ok"
    assert list(rungs(page)).index("oauth_token") < list(rungs(page)).index("auth")
    assert "A test message was accepted by 127.0.0.1" in page
    assert server.client_secret not in page
    assert all(token not in page for token in server.issued)


def test_a_refused_token_is_explained_under_its_rung(
    as_admin, sent, relay, server, run_tests
):
    server.will_say(WRONG_SECRET)

    answer = as_admin.post(START, sent(port=relay.port))
    run_tests()

    page = words(as_admin.get(answer.headers["Location"]).text)
    assert rungs(page)["oauth_token"] == "failed"
    assert rungs(page)["auth"] == "skipped"
    assert "AADSTS7000215" in page
    assert "OAuthTokenError" not in page
    assert "Stopped at the token" in page


def test_what_another_way_asks_for_is_not_taken_over(as_admin, sent):
    """A browser sends the hidden fields along; nothing of them is stored."""
    as_admin.post(NEW, sent(auth="none", security="none", username="kim"))

    version = stored()
    assert version.settings["auth"] == "none"
    assert version.settings["oauth"] is None
    assert version.settings["username"] == ""
    assert version.secrets.count() == 0


def test_a_secret_is_kept_or_asked_for_again(as_admin, sent, installation):
    """Kept while it goes where it went before; another token address asks again."""
    at = as_admin.post(NEW, sent()).headers["Location"]
    page = as_admin.get(at).text
    keeping = {"client_secret": "", "client_secret_choice": "keep"}

    kept = as_admin.post(at, sent(**keeping, from_name="Other"))
    moved = as_admin.post(at, sent(**keeping, token_url="https://x.example/token"))

    assert chosen(page, "client_secret_choice") == "keep"
    assert "hush client secret" not in page
    assert kept.status_code == 303
    found = open_secrets(installation.vault, stored())
    assert found["oauth.client_secret"].reveal() == "hush client secret"
    assert moved.status_code == 422
    assert "A change of token address asks for it again" in moved.text


@pytest.mark.parametrize("htmx", [False, True], ids=["plain", "htmx"])
def test_a_client_secret_is_replaced_on_its_page(as_admin, sent, htmx, installation):
    at = as_admin.post(NEW, sent()).headers["Location"]
    assert "Client secret" in as_admin.get(f"{at}/secret").text

    answer = as_admin.post(f"{at}/secret", {"client_secret": "a fresh one"}, htmx=htmx)

    assert answer.status_code == (200 if htmx else 303)
    assert "a fresh one" not in answer.text
    found = open_secrets(installation.vault, stored())
    assert found["oauth.client_secret"].reveal() == "a fresh one"


@pytest.mark.parametrize("way", ["file", "text"])
def test_the_key_of_a_service_account_is_uploaded_or_pasted(
    as_admin, sent, server, way: str, installation
):
    document = server.key_file()
    given = (
        {"service_account_file": upload(document, "key.json")}
        if way == "file"
        else {"service_account": document}
    )
    asked = sent(grant="jwt_bearer", subject="kim@peer.example")

    answer = as_admin.post(NEW, {**asked, **given})

    assert answer.status_code == 303, answer.text
    found = open_secrets(installation.vault, stored())["oauth.service_account"].reveal()
    assert json.loads(found) == json.loads(document)
    page = as_admin.get(answer.headers["Location"]).text
    assert "PRIVATE KEY" not in page
    assert chosen(page, "service_account_choice") == "keep"
    assert stored().settings["oauth"]["subject"] == "kim@peer.example"


def test_a_viewer_reads_how_tokens_are_asked_for(as_admin, as_viewer, sent, server):
    at = as_admin.post(NEW, sent()).headers["Location"]

    page = words(as_viewer.get(at).text)

    assert server.client_id in page
    assert server.client_secret not in page
    assert re.search(r"<dt>Client secret</dt><dd>Saved", page)

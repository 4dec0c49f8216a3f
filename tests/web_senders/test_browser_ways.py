"""Consent, certificates and trust in Chromium, with and without a script."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.relays.certificates import Authority
from tests.relays.sink import Sink
from tests.relays.tokens import TokenServer
from tests.web_senders.conftest import NEW, SECRET
from tests.web_senders.private import with_its_authority
from tests.web_senders.windows import NewPage, end_of_test, looks_well

pytestmark = [pytest.mark.xdist_group("chromium"), pytest.mark.timeout(300)]

BOTH = pytest.mark.parametrize("javascript", [True, False], ids=["htmx", "plain forms"])
ACCEPTED = "A test message was accepted by 127.0.0.1 for pat@example.com."


@pytest.fixture
def server(token_server, authority: Authority) -> TokenServer:
    return token_server(tls=authority.contexts["good"])


def begin(page: Page, relay: Sink, authority: Authority | None, way: str) -> None:
    """What every sender needs, and the way to sign in."""
    page.goto(NEW)
    page.get_by_label("Name", exact=True).fill("Acme relay")
    page.get_by_label("Relay host").fill("127.0.0.1")
    page.get_by_label("Port", exact=True).fill(str(relay.port))
    page.get_by_label("From address", exact=True).fill("kim@peer.example")
    page.get_by_label("Send to").fill("pat@example.com")
    page.locator(f"input[name=auth][value={way}]").check(force=True)
    if authority:
        page.locator("#more > summary").click()
        page.get_by_label("Own certificate authority").fill(authority.pem)


def ask_for_consent(page: Page, server: TokenServer) -> None:
    page.locator("input[name=grant][value=refresh_token]").check(force=True)
    page.get_by_label("Client ID").fill(server.client_id)
    page.locator("#client_secret").fill(server.client_secret or "")
    page.get_by_label("Token address").fill(server.token_url)
    page.get_by_label("Consent address").fill(server.authorize_url)
    page.get_by_label("Scope").fill("smtp.send offline_access")
    page.locator("#connect").click()
    expect(page.locator("#continue")).to_be_visible()


@BOTH
def test_a_person_consents_and_sends(
    new_page: NewPage, server, oauth_sink, authority, javascript: bool
):
    """Form → the provider's page → the form again → a test → in use."""
    relay = oauth_sink(tokens=server, starttls=authority.contexts["good"])
    page = new_page(javascript=javascript)
    begin(page, relay, authority, "oauth2")
    ask_for_consent(page, server)
    looks_well(page, f"consent-asked-{javascript}") if javascript else None

    page.locator("#continue").click()
    expect(page.get_by_text(f"Signed in as {server.user}")).to_be_visible()
    page.get_by_role("button", name="Allow").click()

    note = page.locator("#consent .note")
    expect(note).to_contain_text(f"Connected as {server.user}. Not saved yet")
    assert "code=" not in page.url
    expect(page.get_by_label("Relay host")).to_have_value("127.0.0.1")
    page.get_by_label("Send to").fill("pat@example.com")
    page.locator("#test").click()
    end_of_test(page)
    expect(page.locator("#ladder .note")).to_contain_text(ACCEPTED)
    expect(page.locator("#ladder")).to_contain_text("oauth_token")
    page.locator("#use-now").click()
    expect(page.locator("#notice")).to_contain_text("Mail goes through “Acme relay”")
    expect(page).to_have_title("Acme relay · SMTP Portal")
    assert (server.client_secret or "") not in page.content()


def test_a_refused_consent_says_why(new_page: NewPage, server, oauth_sink, authority):
    relay = oauth_sink(tokens=server, starttls=authority.contexts["good"])
    page = new_page()
    begin(page, relay, authority, "oauth2")
    ask_for_consent(page, server)

    page.locator("#continue").click()
    page.get_by_role("button", name="Deny").click()

    expect(page.locator("#consent .note")).to_contain_text("access_denied")
    looks_well(page, "consent-refused")


@BOTH
def test_a_relay_that_demands_a_certificate_gets_it(
    new_page: NewPage, oauth_sink, authority, tmp_path: Path, javascript: bool
):
    """With a script it is looked at when it is chosen, and stays chosen."""
    client = authority.clients["good"]
    relay = oauth_sink(
        starttls=authority.contexts["demands"],
        mechanisms=("EXTERNAL",),
        certificates={"app.peer.example": "app"},
    )
    (tmp_path / "app.pem").write_text(client.certificate)
    (tmp_path / "app.key").write_text(client.key)
    page = new_page(javascript=javascript)
    begin(page, relay, authority, "client_cert")

    page.locator("#client_cert_file").set_input_files(tmp_path / "app.pem")
    if javascript:
        expect(page.locator("#checked .note")).to_contain_text("key")
    page.locator("#client_key_file").set_input_files(tmp_path / "app.key")
    if javascript:
        expect(page.locator("#checked")).to_contain_text("CN=app.peer.example")
        looks_well(page, "certificate-checked")
        page.goto(NEW)  # the look leaves attributes behind
        begin(page, relay, authority, "client_cert")
        page.locator("#client_cert_file").set_input_files(tmp_path / "app.pem")
        page.locator("#client_key_file").set_input_files(tmp_path / "app.key")
        expect(page.locator("#checked")).to_contain_text("CN=app.peer.example")
    page.locator("#test").click()
    end_of_test(page)

    expect(page.locator("#ladder .note")).to_contain_text(ACCEPTED)
    page.locator("#use-now").click()
    expect(page.locator("#notice")).to_contain_text("Mail goes through “Acme relay”")
    expect(page.locator("#form")).to_contain_text("CN=app.peer.example")
    assert (
        page.locator("input[name=client_cert_choice]:checked").input_value() == "keep"
    )
    looks_well(page, "certificate-saved") if javascript else None


def test_a_file_chosen_while_another_is_looked_at_is_looked_at_too(
    new_page: NewPage, authority, tmp_path: Path
):
    """The first look never ends here: the last one is shown all the same."""
    client = authority.clients["good"]
    (tmp_path / "app.pem").write_text(client.certificate)
    (tmp_path / "app.key").write_text(client.key)
    page, held = new_page(), []
    page.goto(NEW)
    page.locator("input[name=auth][value=client_cert]").check(force=True)
    page.route(
        "**/senders/certificate",
        lambda route: route.continue_() if held else held.append(route),
    )

    with page.expect_request("**/senders/certificate"):
        page.locator("#client_cert_file").set_input_files(tmp_path / "app.pem")
    page.locator("#client_key_file").set_input_files(tmp_path / "app.key")

    expect(page.locator("#checked")).to_contain_text("CN=app.peer.example")


def test_one_click_trusts_an_internal_relay(new_page: NewPage, sink):
    """The secret in the form goes along, so that nobody types it twice."""
    relay = sink(users={"kim": SECRET}, starttls=with_its_authority())
    page = new_page()
    begin(page, relay, None, "password")
    page.get_by_label("User name", exact=True).fill("kim")
    page.locator("#password").fill(SECRET)
    page.locator("#test").click()
    end_of_test(page)
    expect(page.locator("#ladder")).to_contain_text("Harbour Internal CA")

    page.get_by_role("button", name="Trust this CA and test").click()

    expect(page.locator("#ladder .note")).to_contain_text(ACCEPTED)
    authority = page.get_by_label("Own certificate authority")
    assert authority.input_value().startswith("-----BEGIN CERTIFICATE-----")
    assert [mail.user for mail in relay.mails] == ["kim"]


def test_an_untrusted_chain_looks_well(new_page: NewPage, sink):
    relay = sink(users={"kim": SECRET}, starttls=with_its_authority())
    page = new_page()
    begin(page, relay, None, "password")
    page.get_by_label("User name", exact=True).fill("kim")
    page.locator("#password").fill(SECRET)
    page.locator("#test").click()
    end_of_test(page)

    looks_well(page, "untrusted")


def test_the_redirect_uri_is_copied_by_one_click(new_page: NewPage):
    page = new_page()
    page.goto(NEW)
    page.locator("input[name=auth][value=oauth2]").check(force=True)
    page.locator("input[name=grant][value=refresh_token]").check(force=True)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])

    page.get_by_role("button", name="Copy the redirect URI").click()

    copied = page.evaluate("navigator.clipboard.readText()")
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/oauth/callback", copied)

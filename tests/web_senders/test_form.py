"""The form of a new sender: filled in by its provider, in the provider's own words."""

from __future__ import annotations

import re

import pytest

from tests.web_senders.conftest import BASE, NEW
from tests.web_senders.reading import chosen, value

MISMATCH = "Port 465 usually talks TLS from the start. STARTTLS belongs to 587."


def test_a_preset_fills_in_host_port_and_encryption(as_admin):
    page = as_admin.get(f"{BASE}/new/postmark").text

    assert value(page, "name") == "Postmark"
    assert value(page, "host") == "smtp.postmarkapp.com"
    assert value(page, "port") == "587"
    assert chosen(page, "security") == "starttls"


def test_things_have_the_names_of_the_provider(as_admin):
    """A server token is user name and password in one, and asked for once."""
    postmark = as_admin.get(f"{BASE}/new/postmark").text
    ses = as_admin.get(f"{BASE}/new/amazon_ses").text

    assert "Server API token" in postmark
    assert 'name="username"' not in postmark
    assert "SMTP user name" in ses
    assert "The IAM secret access key itself does not work" in ses


def test_a_fixed_user_name_is_filled_in(as_admin):
    assert value(as_admin.get(f"{BASE}/new/sendgrid").text, "username") == "apikey"


def test_a_region_brings_its_host(as_admin):
    """htmx swaps the line of the host alone."""
    host = "email-smtp.eu-west-1.amazonaws.com"

    page = as_admin.get(f"{BASE}/new/amazon_ses").text
    line = as_admin.get(f"{BASE}/new/amazon_ses/host?place={host}", htmx=True)

    assert f'<option value="{host}">eu-west-1</option>' in page
    assert line.text.lstrip().startswith('<div id="host-line"')
    assert "<html" not in line.text
    assert value(line.text, "host") == host
    assert value(line.text, "place_was") == host


def test_a_region_is_followed_without_a_script(as_admin, form):
    """Where only the list was changed, its host is meant."""
    was, host = (f"email-smtp.{at}.amazonaws.com" for at in ("us-east-1", "eu-west-1"))
    sent = form(provider="amazon_ses", host=was, place_was=was, place=host, name="")

    page = as_admin.post(f"{BASE}/new/amazon_ses", sent).text

    assert value(page, "host") == host


def test_a_host_that_was_typed_wins_over_the_list(as_admin, form):
    was, other = (f"email-smtp.{at}.amazonaws.com" for at in ("us-east-1", "eu-west-1"))
    sent = form(
        provider="amazon_ses", host="127.0.0.1", place_was=was, place=other, name=""
    )

    page = as_admin.post(f"{BASE}/new/amazon_ses", sent).text

    assert value(page, "host") == "127.0.0.1"


def test_a_mismatch_is_said_while_typing(as_admin):
    """With a button that takes the proposal; nothing is chosen by itself."""
    hint = as_admin.get(f"{BASE}/hint?port=465&security=starttls", htmx=True)

    assert hint.text.lstrip().startswith('<div id="hint" role="status">')
    assert MISMATCH in hint.text
    assert 'for="security-tls">Use TLS from the start</label>' in hint.text


@pytest.mark.parametrize(
    "typed", ["port=587&security=starttls", "port=25&security=tls", "port=4x&security="]
)
def test_nothing_is_said_where_nothing_is_wrong(as_admin, typed: str):
    assert "note" not in as_admin.get(f"{BASE}/hint?{typed}").text


def test_a_mismatch_is_said_on_a_plain_submit_too(as_admin, form):
    page = as_admin.post(NEW, form(port=465, security="starttls", name="")).text

    assert MISMATCH in page


def test_no_field_carries_the_secret_to_the_hint(as_admin):
    """A GET with the whole form would put the password into an address."""
    page = as_admin.get(NEW).text

    included = re.findall(r'hx-get="[^"]*/hint" hx-include="([^"]*)"', page)

    assert set(included) == {
        "#form [name=security], #form [name=host]",
        "#form [name=port], #form [name=host]",
        "#form [name=port], #form [name=security]",
    }


def test_no_encryption_says_that_content_is_readable(as_admin):
    assert "everybody on the way can read the mail" in as_admin.get(NEW).text


def test_a_service_account_is_advised(as_admin):
    assert "an account made for this portal alone" in as_admin.get(NEW).text


def test_an_own_server_may_take_any_way_to_sign_in(as_admin):
    page = as_admin.get(NEW).text

    assert re.findall(r'name="auth" value="([^"]*)"', page) == [
        "password",
        "api_key",
        "oauth2",
        "client_cert",
        "none",
    ]
    assert "coming soon" not in page.lower()


def test_a_provider_offers_the_ways_that_it_takes(as_admin):
    page = as_admin.get(f"{BASE}/new/outlook_com").text

    assert re.findall(r'name="auth" value="([^"]*)"', page) == ["oauth2"]
    assert 'name="password"' not in page


def test_an_allowed_address_shows_what_to_allow(as_admin):
    """Our addresses and EHLO name, and where the provider's console has the list."""
    page = as_admin.get(f"{BASE}/new/google_workspace_relay").text

    assert "198.51.100.24" in page
    assert "portal.example.org" in page
    assert "SMTP relay service" in page


def test_the_sandbox_has_no_host_and_no_port(as_admin):
    page = as_admin.get(f"{BASE}/new/sandbox").text

    for name in ("host", "port", "security", "auth", "username", "password"):
        assert f'name="{name}"' not in page
    assert 'name="from_address"' in page


def test_the_test_goes_to_whoever_is_signed_in(as_admin):
    assert value(as_admin.get(NEW).text, "to") == "admin@example.org"

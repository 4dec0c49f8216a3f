"""What stands further down: signature, fallback, authority, readable sign-in."""

from __future__ import annotations

import dataclasses
import re

import pytest

from portal.app import create_app
from portal.config import DefaultSender
from portal.services.senders.sealing import open_secrets
from portal.store.models import SenderVersion
from tests.browsing import Visitor
from tests.web_senders.asking import upload
from tests.web_senders.conftest import BASE, NEW, SIGNED_IN
from tests.web_senders.reading import chosen, value, words

OWN_KEY = {"signing": "own", "dkim_domain": "", "dkim_selector": "portal"}


def stored() -> SenderVersion:
    return SenderVersion.select().order_by(SenderVersion.id.desc()).first()


@pytest.mark.parametrize("algorithm", ["rsa", "ed25519"])
def test_a_key_that_signs_is_made_and_its_record_shown(
    as_admin, form, installation, algorithm: str
):
    """Host, type and value to publish; the key itself never."""
    answer = as_admin.post(NEW, form(**OWN_KEY, dkim_algorithm=algorithm))

    page = words(as_admin.get(answer.headers["Location"]).text)
    assert chosen(page, "signing") == "own"
    assert '<code id="dkim-name">portal._domainkey.example.org</code>' in page
    record = re.search(r'<code id="dkim-value">([^<]+)</code>', page)
    assert record[1].startswith(f"v=DKIM1; k={algorithm}; p=")
    assert all(f'data-copy="dkim-{part}"' in page for part in ("name", "value"))
    key = open_secrets(installation.vault, stored())["dkim_signing.key"].reveal()
    assert key.splitlines()[1] not in page


def test_a_record_stays_until_its_key_changes(as_admin, form):
    at = as_admin.post(NEW, form(**OWN_KEY)).headers["Location"]

    def record() -> str:
        page = as_admin.get(at).text
        return re.search(r'id="dkim-value">([^<]+)<', page)[1]

    first = record()
    as_admin.post(at, form(**OWN_KEY, from_name="Other"))
    second = record()
    as_admin.post(at, form(**{**OWN_KEY, "dkim_selector": "two"}))

    assert first == second != record()


def test_a_wrong_selector_stands_beside_its_field(as_admin, form):
    answer = as_admin.post(NEW, form(**{**OWN_KEY, "dkim_selector": "a b"}))

    assert answer.status_code == 422
    assert 'id="dkim_selector-error"' in answer.text


def test_switched_off_no_key_is_kept(as_admin, form):
    at = as_admin.post(NEW, form(**OWN_KEY)).headers["Location"]

    as_admin.post(at, form(signing="off"))

    assert stored().settings["dkim_signing"] is None
    assert stored().secrets.count() == 0
    assert "dkim-value" not in as_admin.get(at).text


def test_a_fallback_is_offered_where_there_is_a_platform_default(
    as_admin, admin, form, installation
):
    default = DefaultSender(
        host="127.0.0.1",
        port=25,
        security="none",
        username=None,
        password=None,
        from_address="noreply@platform.example",
    )
    settings = dataclasses.replace(installation.settings, default_sender=default)
    here = dataclasses.replace(installation, settings=settings)
    visitor = Visitor(create_app(installation=here), admin)
    visitor.get(NEW)

    answer = visitor.post(NEW, form(fallback_after=3))

    assert 'name="fallback_after"' not in as_admin.get(NEW).text
    assert value(visitor.get(answer.headers["Location"]).text, "fallback_after") == "3"
    assert stored().settings["fallback_after"] == 3


def test_an_authority_is_uploaded(as_admin, form, authority):
    given = {"ca_file": upload(authority.pem, "ca.pem")}

    answer = as_admin.post(NEW, {**form(), **given})

    assert answer.status_code == 303, answer.text
    assert "BEGIN CERTIFICATE" in stored().settings["ca"]


def test_a_file_that_is_no_authority_is_refused_beside_it(as_admin, form):
    given = {"ca_file": upload(b"\xff\xfe\x00nothing", "ca.pem")}

    answer = as_admin.post(NEW, {**form(), **given})

    assert answer.status_code == 422
    assert 'id="ca-error"' in answer.text


def test_a_readable_sign_in_says_who_can_read_it(admin, installation):
    """Where the operator names the relay, and nowhere else."""
    named = frozenset([("legacy.example.org", 25)])
    settings = dataclasses.replace(installation.settings, cleartext_auth=named)
    here = dataclasses.replace(installation, settings=settings)
    visitor = Visitor(create_app(installation=here), admin)

    told = visitor.get(f"{BASE}/hint?host=Legacy.example.org&port=25&security=none")
    other = visitor.get(f"{BASE}/hint?host=relay.example.org&port=25&security=none")

    assert "can read the user name, the password and each mail" in told.text
    assert 'data-covers="none"' in told.text  # instead of the word for every relay
    assert "can read" not in other.text


def test_blanks_at_the_ends_of_a_secret_are_kept_and_told(as_admin, form, installation):
    blank = {**SIGNED_IN, "password": " two blanks "}

    page = as_admin.follow(NEW, form(**blank))

    assert "begins or ends with a blank; kept as typed" in page
    assert "two blanks" not in page
    opened = open_secrets(installation.vault, stored())
    assert opened["password"].reveal() == " two blanks "


def test_an_allowed_address_asks_for_nothing_to_sign_in_with(as_admin):
    """The relay knows us by address; what it judges by stands in the open."""
    page = as_admin.get(f"{BASE}/new/google_workspace_relay").text

    assert chosen(page, "auth") == "none"
    assert "there is nothing to sign in with" in page
    assert all(f'name="{each}"' in page for each in ("ehlo_name", "mail_from"))
    assert 'data-copy="ip-0"' in page


@pytest.mark.parametrize("htmx", [False, True], ids=["plain", "htmx"])
def test_a_sender_is_stopped_from_its_form(as_admin, saved, htmx: bool):
    """What waits goes the other way, and the page says so before."""
    at = saved(use=True)
    page = as_admin.get(at).text
    assert "What waits now stays here until a sender is used" in page
    assert f'href="{at}#stop"' in as_admin.get(BASE).text

    answer = as_admin.post(f"{at}/disable", {"at": "connection"}, htmx=htmx)

    assert answer.status_code == (200 if htmx else 303)
    after = answer.text if htmx else as_admin.get(answer.headers["Location"]).text
    assert "no longer used. Mail has no way out until a sender is used." in after
    assert 'id="stop"' not in after


def test_the_window_is_named_after_a_sender_that_was_saved(as_admin, form):
    answer = as_admin.post(NEW, form(name="Relay <one>"), htmx=True)

    assert "<title>Relay &lt;one&gt; · SMTP Portal</title>" in answer.text


def test_pace_says_what_it_counts(as_admin):
    """Recipients, not mails; connections of each process, not of all together."""
    page = as_admin.get(f"{BASE}/new/generic_smtp").text

    for name in ("a minute", "an hour", "a day"):
        assert f"Recipients {name}</label>" in page
    assert "A mail to three counts three." in page
    assert "Of each process that sends." in page

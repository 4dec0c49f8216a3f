"""A person's consent, from the form to a token server of ours and back."""

from __future__ import annotations

import json
import ssl
from dataclasses import replace
from http.client import HTTPSConnection
from ipaddress import ip_network
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from portal.config import AllowRule
from portal.errors import Gone, Invalid, Missing
from portal.services import senders
from portal.services.senders import consent
from portal.services.senders.sealing import open_secrets
from portal.store.fields import now
from portal.store.models import AuditEvent, OAuthConsent, SenderVersion
from tests.relays.tokens import WRONG_SECRET, TokenServer
from tests.senders.conftest import browser_session

HOME = "https://portal.example.org/oauth/callback"
LOOPBACK = AllowRule(network=ip_network("127.0.0.0/8"))


@pytest.fixture
def settings(settings):
    return replace(settings, relay_allow=(LOOPBACK,))


@pytest.fixture
def server(token_server, authority) -> TokenServer:
    return token_server(tls=authority.contexts["good"], redirect_uris=frozenset([HOME]))


@pytest.fixture
def asking(form, server, authority):
    """What the form shows before anybody consented."""
    oauth = {
        "grant": "refresh_token",
        "token_url": server.token_url,
        "authorize_url": server.authorize_url,
        "client_id": server.client_id,
        "client_secret": server.client_secret,
        "scope": "smtp.send offline_access",
    }
    ca = authority.pem
    return form(auth="oauth2", username=None, password=None, oauth=oauth, ca=ca)


def begin(actor, values, **more) -> consent.Consent:
    given = {"sender_id": None, "typed_in": None, "redirect_uri": HOME, **more}
    return consent.begin(actor, values=values, **given)


def decide(url: str, authority, *, decision: str = "allow") -> dict[str, str]:
    """What the person's browser is sent back with."""
    parts = urlsplit(url)
    fields = {name: each[0] for name, each in parse_qs(parts.query).items()}
    trust = ssl.create_default_context(cadata=authority.pem)
    browser = HTTPSConnection(parts.hostname, parts.port, context=trust)
    browser.request("POST", parts.path, urlencode({**fields, "decision": decision}))
    answer = browser.getresponse()
    answer.read()
    browser.close()
    assert answer.status == 302, answer.status
    back = urlsplit(answer.headers["Location"])
    assert f"{back.scheme}://{back.netloc}{back.path}" == HOME
    return {name: each[0] for name, each in parse_qs(back.query).items()}


def finish(actor, back) -> consent.Consented:
    return consent.finish(
        actor,
        state=back.get("state", ""),
        code=back.get("code"),
        error=back.get("error"),
        error_description=back.get("error_description"),
    )


@pytest.mark.usefixtures("both_databases")
def test_what_a_person_allows_is_lent_to_the_form_and_saved_from_there(
    signed_in, asking, server, authority
):
    begun = begin(signed_in, asking)
    found = finish(signed_in, decide(begun.url, authority))

    assert (found.account, found.refusal) == (server.user, None)
    assert (found.id, found.tenant_slug) == (begun.id, signed_in.here.slug)
    assert found.settings["oauth"]["client_id"] == server.client_id
    empty = {**asking["oauth"], "client_secret": ""}
    senders.save(
        signed_in,
        sender_id=None,
        values={**asking, "oauth": empty},
        activate=False,
        typed_in=found.id,
    )
    opened = open_secrets(signed_in.installation.vault, SenderVersion.get())
    assert opened["oauth.refresh_token"].reveal() in server.refresh_tokens
    assert opened["oauth.client_secret"].reveal() == server.client_secret
    assert set(opened) == {"oauth.refresh_token", "oauth.client_secret"}


def test_the_page_is_asked_with_pkce_and_a_state_that_nobody_can_guess(
    signed_in, asking, server
):
    one, other = (
        parse_qs(urlsplit(begin(signed_in, asking).url).query) for _ in range(2)
    )

    assert one["response_type"] == ["code"]
    assert one["code_challenge_method"] == ["S256"]
    assert one["redirect_uri"] == [HOME]
    assert one["scope"] == ["smtp.send offline_access"]
    assert one["login_hint"] == ["app@example.org"]
    assert len(one["code_challenge"][0]) == 43
    assert len(one["state"][0]) >= 43
    assert one["state"] != other["state"]
    assert one["code_challenge"] != other["code_challenge"]
    assert one["state"][0] not in repr(list(OAuthConsent.select().dicts()))
    assert server.seen == []


def test_google_is_asked_for_lasting_access(signed_in, asking):
    google = {**asking, "provider": "gmail", "host": "smtp.gmail.com"}

    asked = parse_qs(urlsplit(begin(signed_in, google).url).query)

    assert (asked["access_type"], asked["prompt"]) == (["offline"], ["consent"])


def test_a_state_is_good_once(signed_in, asking, authority):
    back = decide(begin(signed_in, asking).url, authority)
    finish(signed_in, back)

    with pytest.raises(Gone):
        finish(signed_in, back)


def test_a_state_belongs_to_its_browser_session(
    signed_in, admin, stranger, viewer, asking, authority, server
):
    """Else somebody's code could be slipped into the form of another one."""
    back = decide(begin(signed_in, asking).url, authority)

    elsewhere = replace(admin, session_id=browser_session(admin))
    for actor in (admin, elsewhere, viewer, stranger):
        with pytest.raises(Missing):
            finish(actor, back)
    with pytest.raises(Missing):
        finish(signed_in, {**back, "state": "guessed"})
    assert server.asked == []
    assert finish(signed_in, back).account == server.user


def test_a_state_is_good_for_fifteen_minutes(signed_in, asking, authority, server):
    back = decide(begin(signed_in, asking).url, authority)
    row = OAuthConsent.get()
    assert 14 * 60 < (row.expires_at - now()).total_seconds() <= 15 * 60
    OAuthConsent.update(expires_at=now()).execute()

    with pytest.raises(Gone):
        finish(signed_in, back)

    assert server.asked == []


def test_who_says_no_comes_back_to_the_form(signed_in, asking, authority, server):
    begun = begin(signed_in, asking)

    found = finish(signed_in, decide(begun.url, authority, decision="deny"))

    assert found.account is None
    assert found.refusal.startswith("access_denied: AADSTS65004")
    assert found.settings["host"] == asking["host"]
    assert server.asked == []


def test_what_the_token_server_refuses_is_told(signed_in, asking, authority, server):
    begun = begin(signed_in, asking)
    back = decide(begun.url, authority)
    server.will_say(WRONG_SECRET)

    found = finish(signed_in, back)

    assert "AADSTS7000215" in found.refusal
    assert found.account is None
    with pytest.raises(Invalid, match="none is stored"):
        empty = {**asking, "oauth": {**asking["oauth"], "client_secret": ""}}
        senders.save(
            signed_in, sender_id=None, values=empty, activate=False, typed_in=found.id
        )


def test_a_consent_is_audited_without_any_secret(signed_in, asking, authority, server):
    found = finish(signed_in, decide(begin(signed_in, asking).url, authority))

    (event,) = AuditEvent.select().where(AuditEvent.event == "sender.connected")
    (token,) = server.refresh_tokens
    assert event.detail["account"] == found.account
    assert event.detail["client_id"] == server.client_id
    for secret in (token, server.client_secret):
        assert secret not in json.dumps(event.detail)
        assert secret not in repr(list(OAuthConsent.select().dicts()))


def test_a_saved_sender_connects_with_its_stored_client_secret(
    signed_in, asking, authority, server
):
    begun = begin(signed_in, asking)
    first = finish(signed_in, decide(begun.url, authority))
    saved = senders.save(
        signed_in, sender_id=None, values=asking, activate=False, typed_in=first.id
    )
    empty = {**asking, "oauth": {**asking["oauth"], "client_secret": ""}}

    again = begin(signed_in, empty, sender_id=saved.id)
    found = finish(signed_in, decide(again.url, authority))

    assert (found.account, found.sender_id) == (server.user, saved.id)
    assert server.asked[-1]["client_secret"] == server.client_secret


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"grant": "client_credentials"}, "oauth.grant"),
        ({"authorize_url": ""}, "oauth.authorize_url"),
        ({"client_id": ""}, "oauth.client_id"),
        ({"token_url": ""}, "oauth.token_url"),
    ],
)
def test_what_is_missing_is_said_before_anybody_goes(signed_in, asking, change, field):
    with pytest.raises(Invalid) as refused:
        begin(signed_in, {**asking, "oauth": {**asking["oauth"], **change}})

    assert [each.field for each in refused.value.errors] == [field]


def test_a_viewer_asks_nobody(viewer, asking):
    with pytest.raises(Exception, match="needs the role admin"):
        begin(replace(viewer, session_id=browser_session(viewer)), asking)

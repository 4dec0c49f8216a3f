"""Each secret is kept, dropped and asked for again by itself."""

from __future__ import annotations

import json

import pytest

from portal.delivery.types import Auth
from portal.errors import Invalid
from portal.services import senders
from portal.services.senders import token_rows
from portal.services.senders.fields import stored_fields
from portal.services.senders.making import oauth_of
from portal.services.senders.sealing import open_secrets
from portal.store.models import (
    AuditEvent,
    OAuthToken,
    Sender,
    SenderSecret,
    SenderVersion,
)

OAUTH = {
    "grant": "refresh_token",
    "token_url": "https://login.example.org/token",
    "authorize_url": "https://login.example.org/authorize",
    "client_id": "0a1b",
    "client_secret": "hush",
    "refresh_token": "first",
}
BLANK = {**OAUTH, "client_secret": "", "refresh_token": ""}


@pytest.fixture
def connected(save):
    """`connected(actor)`: a sender with a refresh token; its id."""

    def make(actor) -> str:
        return save(actor, auth="oauth2", oauth=OAUTH, password=None).id

    return make


def secrets(actor) -> dict[str, str]:
    """Those of the newest version."""
    version = SenderVersion.select().order_by(SenderVersion.id.desc()).first()
    opened = open_secrets(actor.installation.vault, version)
    return {name: secret.reveal() for name, secret in opened.items()}


def again(save, actor, sender_id, **changes) -> None:
    given = {"auth": "oauth2", "oauth": BLANK, "password": None, **changes}
    save(actor, sender_id=sender_id, **given)


def test_what_is_not_typed_again_stays(admin, save, connected):
    sender_id = connected(admin)

    again(save, admin, sender_id, from_name="Other")
    assert secrets(admin) == {
        "oauth.client_secret": "hush",
        "oauth.refresh_token": "first",
    }
    again(save, admin, sender_id, oauth={**BLANK, "client_secret": "renewed"})
    assert secrets(admin) == {
        "oauth.client_secret": "renewed",
        "oauth.refresh_token": "first",
    }


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"oauth": {**BLANK, "token_url": "https://evil.example/t"}}, "token address"),
        ({"oauth": {**BLANK, "client_id": "other"}}, "client id"),
        ({"host": "evil.example"}, "host"),
        ({"port": "2525"}, "port"),
        ({"username": "ceo@example.org"}, "user name"),
    ],
)
def test_who_changes_where_it_goes_types_it_again(admin, save, connected, change, word):
    sender_id = connected(admin)

    with pytest.raises(Invalid) as refused:
        again(save, admin, sender_id, **change)

    assert [each.field for each in refused.value.errors] == ["oauth.refresh_token"]
    assert f"A change of {word} asks for it again" in refused.value.sentence


def test_a_secret_of_another_way_is_not_carried_along(admin, save, connected):
    sender_id = connected(admin)

    save(admin, sender_id=sender_id, password="open sesame")

    assert secrets(admin) == {"password": "open sesame"}


def test_an_allowed_ip_keeps_nothing_whatever_the_form_sends(admin, save, connected):
    sender_id = connected(admin)

    save(
        admin,
        sender_id=sender_id,
        auth="none",
        username="kim",
        password="open sesame",
        mechanism="PLAIN",
        oauth=OAUTH,
        client_cert="nonsense",
        client_key="nonsense",
    )

    view = senders.sender(admin, sender_id)
    assert secrets(admin) == {}
    assert view.fields.auth is Auth.NONE
    assert (view.fields.username, view.fields.mechanism) == ("", None)
    assert (view.fields.oauth, view.fields.client_cert) == (None, None)
    assert view.secrets == {}


def test_the_secret_is_replaced_by_an_action_of_its_own(admin, connected):
    sender_id = connected(admin)

    senders.save(
        admin,
        sender_id=sender_id,
        values={"oauth": {"refresh_token": "second", "token_url": "https://e.example"}},
        activate=False,
        replace_secret=True,
    )

    assert secrets(admin)["oauth.refresh_token"] == "second"
    assert secrets(admin)["oauth.client_secret"] == "hush"
    oauth = senders.sender(admin, sender_id).fields.oauth
    assert oauth.token_url == OAUTH["token_url"]


def test_neither_export_nor_audit_nor_settings_hold_a_secret(admin, connected):
    sender_id = connected(admin)

    exported = senders.export(admin, sender_id)
    (event,) = AuditEvent.select().where(AuditEvent.event == "sender.created")
    everything = json.dumps([exported, event.detail, SenderVersion.get().settings])

    for secret in ("hush", "first"):
        assert f'"{secret}"' not in everything
    assert event.detail["secrets_changed"] == [
        "oauth.client_secret",
        "oauth.refresh_token",
    ]
    assert set(exported["oauth"]) >= {"grant", "token_url", "client_id"}


@pytest.mark.usefixtures("both_databases")
@pytest.mark.parametrize(
    "secret",
    [
        " blanks at both ends ",
        "100%s %(x)s",
        "\"quotes'\\",
        "pässwörd ✓ 密码",
        "x" * 1000,
    ],
)
def test_a_secret_comes_back_byte_for_byte(admin, save, secret):
    save(admin, password=secret)

    assert secrets(admin) == {"password": secret}
    assert secret.encode() not in bytes(SenderSecret.get().sealed)


def test_a_sealed_secret_opens_in_its_own_field_only(admin, connected):
    connected(admin)
    one, other = SenderSecret.select().order_by(SenderSecret.field)
    SenderSecret.update(sealed=one.sealed).where(SenderSecret.id == other.id).execute()

    with pytest.raises(Exception, match="does not open"):
        secrets(admin)


def test_a_deleted_sender_leaves_no_token(owner, connected, installation):

    sender_id = connected(owner)
    version = SenderVersion.get()
    opened = open_secrets(installation.vault, version)
    oauth = oauth_of(stored_fields(version.settings, secrets=opened))
    place = token_rows.place_of(installation.vault, owner.here.id, oauth)
    more = {"by": "x", "lease_s": 30, "refused": None, "asks_again": False}
    token_rows.take(installation.vault, place, **more)
    assert OAuthToken.select().count() == 1

    senders.delete(owner, sender_id)

    assert OAuthToken.select().count() == 0
    assert Sender.get().deleted_at is not None

"""API keys: shown once, refused at once when revoked, each in its own tenant."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from portal.errors import Forbidden, Invalid, Missing, Unauthenticated
from portal.services import audit, keys
from portal.store.fields import now
from portal.store.models import ApiKey

HERE = "192.0.2.1"


@pytest.mark.usefixtures("both_databases")
def test_key_signs_in_to_its_tenant_with_its_scopes(owner, installation):
    made = keys.make(owner, name="deploy", scopes=["read", "send"])

    actor = keys.authenticate(installation, made.key, HERE)

    assert actor.here == owner.here
    assert (actor.key.public_id, actor.label) == (made.id, "key “deploy”")
    actor.require_scope("send")
    with pytest.raises(Forbidden):
        actor.require_scope("cancel")


def test_key_is_long_random_and_kept_as_a_fingerprint(owner):
    made = keys.make(owner, name="deploy")

    assert re.fullmatch(r"sp_live_[A-Za-z0-9_-]{43}", made.key)
    row = ApiKey.get()
    assert made.key.startswith(row.prefix)
    assert len(row.prefix) == 16
    assert made.key[16:] not in str(row.__data__)
    assert made.key not in repr(made)


@pytest.mark.parametrize("change", [str.upper, lambda key: key[:-1], lambda k: k + "A"])
def test_altered_key_is_nobodys(owner, installation, change):
    made = keys.make(owner, name="deploy")

    with pytest.raises(Unauthenticated):
        keys.authenticate(installation, change(made.key), HERE)


def test_key_with_the_same_beginning_is_nobodys(owner, installation):
    """The prefix finds the row, the whole key opens it."""
    made = keys.make(owner, name="deploy")
    other = made.key[:-1] + ("A" if made.key[-1] != "A" else "B")

    with pytest.raises(Unauthenticated):
        keys.authenticate(installation, other, HERE)


@pytest.mark.parametrize(
    "bearer", ["", "sp_live_", "x" * 10_000, "sp_live_" + "é" * 43]
)
def test_text_that_is_no_key_is_refused(owner, installation, bearer):
    with pytest.raises(Unauthenticated):
        keys.authenticate(installation, bearer, HERE)


@pytest.mark.usefixtures("both_databases")
def test_revoked_key_is_refused_at_once(owner, installation):
    made = keys.make(owner, name="deploy")
    keys.authenticate(installation, made.key, HERE)

    keys.revoke(owner, made.id)
    keys.revoke(owner, made.id)

    with pytest.raises(Unauthenticated):
        keys.authenticate(installation, made.key, HERE)
    names = [event.event for event in audit.events(owner).events]
    assert names == ["key.revoked", "key.used_first", "key.created"]


def test_last_use_is_written_once_a_minute(owner, installation):
    made = keys.make(owner, name="deploy")
    assert keys.keys(owner)[0].used_at is None

    keys.authenticate(installation, made.key, HERE)
    first = keys.keys(owner)[0]
    keys.authenticate(installation, made.key, "192.0.2.9")

    assert first.used_ip == HERE
    assert keys.keys(owner)[0].used_at == first.used_at


def test_key_signs_in_where_its_use_cannot_be_written(
    owner, installation, database, caplog
):
    """A disk that is full does not keep anybody from reading what became of mail."""
    made = keys.make(owner, name="deploy")
    database.pragma("query_only", 1)

    actor = keys.authenticate(installation, made.key, HERE)
    database.pragma("query_only", 0)

    assert actor.here == owner.here
    assert keys.keys(owner)[0].used_at is None
    assert "the use of a key is not noted" in caplog.text
    keys.authenticate(installation, made.key, HERE)
    assert keys.keys(owner)[0].used_at is not None


def test_use_after_a_while_is_written_again(owner, installation):
    made = keys.make(owner, name="deploy")
    ApiKey.update(used_at=now() - timedelta(days=3)).execute()

    keys.authenticate(installation, made.key, HERE)

    assert keys.keys(owner)[0].used_at > now() - timedelta(minutes=1)


def test_list_shows_what_cannot_be_misused(owner, viewer):
    made = keys.make(owner, name="deploy")

    [view] = keys.keys(viewer)

    assert (view.id, view.name, view.created_by) == (
        made.id,
        "deploy",
        "owner@example.org",
    )
    assert view.scopes == ("send", "read", "cancel")
    assert made.key not in str(view)


def test_stranger_sees_and_revokes_nothing(owner, stranger, installation):
    made = keys.make(owner, name="deploy")

    assert keys.keys(stranger) == []
    with pytest.raises(Missing):
        keys.revoke(stranger, made.id)
    assert keys.authenticate(installation, made.key, HERE).here == owner.here


@pytest.mark.parametrize(
    ("name", "scopes", "field"),
    [("", ["send"], "name"), ("x", [], "scopes"), ("x", ["send", "all"], "scopes")],
)
def test_bad_field_is_named(owner, name, scopes, field):
    with pytest.raises(Invalid) as caught:
        keys.make(owner, name=name, scopes=scopes)

    assert [error.field for error in caught.value.errors] == [field]


def test_keys_are_the_owners_matter(owner, admin, viewer):
    """An admin changes and sends, people and keys are the owner's."""
    key = keys.make(owner, name="ops")

    for actor in (admin, viewer):
        with pytest.raises(Forbidden):
            keys.make(actor, name="more")
        with pytest.raises(Forbidden):
            keys.revoke(actor, key.id)

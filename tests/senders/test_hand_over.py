"""A hand-over link: once, for a week, for the fields left open, and nothing else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from portal.crypto.tokens import fingerprint
from portal.errors import Forbidden, Gone, Invalid, Missing, TooMany
from portal.secret import Secret
from portal.services import audit, senders, testing
from portal.services.senders import handing_over
from portal.services.senders.finding import find, newest
from portal.services.senders.handing_over import VISITS
from portal.services.senders.sealing import open_secrets
from portal.store.database import connection
from portal.store.fields import now
from portal.store.models import HandOver, Message, SenderVersion

ALL = ("host", "username", "secret")
GIVEN = {"host": "mx.example.net", "username": "portal", "password": "given once"}
HERE = {"ip": "203.0.113.9"}


@pytest.fixture
def draft(admin, form):
    """A sender whose credentials somebody else holds."""
    values = form(password=None, username="")
    return senders.save(
        admin, sender_id=None, values=values, activate=False, incomplete=True
    )


@pytest.fixture
def link(admin, draft):
    return handing_over.make(admin, draft.id, ALL)


def version_of(actor, sender_id: str) -> SenderVersion:
    return newest(find(actor, sender_id))


def state(actor, sender_id: str) -> str:
    return handing_over.links(actor, sender_id)[0].state


@pytest.mark.usefixtures("both_databases")
def test_what_is_given_becomes_a_sealed_version_that_carries_no_mail(
    installation, admin, draft, link
):
    handing_over.give(installation, link.token, GIVEN, **HERE)

    version = version_of(admin, draft.id)
    assert version.number == 2
    assert version.settings["host"] == "mx.example.net"
    assert version.settings["username"] == "portal"
    opened = open_secrets(installation.vault, version)
    assert opened == {"password": Secret("given once")}
    seen = senders.sender(admin, draft.id)
    assert seen.active is None
    assert seen.saved_by == f"link of {admin.label}"
    assert seen.test_status is None


@pytest.mark.usefixtures("both_databases")
def test_a_link_is_good_for_one_giving(installation, admin, draft, link):
    handing_over.give(installation, link.token, GIVEN, **HERE)

    with pytest.raises(Gone):
        handing_over.give(installation, link.token, GIVEN, **HERE)
    with pytest.raises(Gone):
        handing_over.look(installation, link.token, **HERE)
    assert version_of(admin, draft.id).number == 2
    view = handing_over.links(admin, draft.id)[0]
    assert (view.state, view.version) == ("used", 2)


def test_of_four_givings_at_once_the_database_takes_one(
    installation, admin, draft, link
):
    def hand(number: int) -> str:
        given = {**GIVEN, "password": f"given by {number}"}
        with connection():
            try:
                handing_over.give(installation, link.token, given, **HERE)
            except Gone:
                return "gone"
        return "taken"

    with ThreadPoolExecutor(4) as threads:
        came = list(threads.map(hand, range(4)))

    assert sorted(came) == ["gone", "gone", "gone", "taken"]
    assert version_of(admin, draft.id).number == 2


def test_looking_and_a_refusal_do_not_use_it_up(installation, admin, draft, link):
    handing_over.look(installation, link.token, **HERE)
    with pytest.raises(Invalid) as refused:
        handing_over.give(
            installation, link.token, {**GIVEN, "host": "no host"}, **HERE
        )
    with pytest.raises(Invalid) as missing:
        handing_over.give(installation, link.token, {"host": "a.example"}, **HERE)

    assert [each.field for each in refused.value.errors] == ["host"]
    assert [each.field for each in missing.value.errors] == ["username", "password"]
    assert state(admin, draft.id) == "open"
    assert version_of(admin, draft.id).number == 1


def test_a_field_that_was_not_left_open_is_not_taken(installation, admin, draft):
    link = handing_over.make(admin, draft.id, ["username"])
    given = {**GIVEN, "from_address": "x@evil.example", "port": "25"}

    handing_over.give(installation, link.token, given, **HERE)

    settings = version_of(admin, draft.id).settings
    assert settings["host"] == "smtp.example.org"
    assert settings["from_address"] == "app@example.org"
    assert settings["port"] == 587
    assert settings["username"] == "portal"


def test_with_host_or_user_name_goes_the_secret(admin, draft, save):
    """A stored secret goes only where it was meant to go."""
    made = handing_over.make(admin, draft.id, ["host"])

    assert HandOver.get(HandOver.public_id == made.id).opens == ["host", "secret"]
    with pytest.raises(Invalid):
        handing_over.make(admin, draft.id, [])
    by_address = save(admin, name="By address", auth="none").id
    handing_over.make(admin, by_address, ALL)
    row = HandOver.select().order_by(HandOver.id.desc()).first()
    assert row.opens == ["host"]


def test_a_link_ends_after_a_week_and_at_a_word(installation, admin, draft, link):
    left = link.expires_at - now()
    assert timedelta(days=6, hours=23) < left <= timedelta(days=7)
    HandOver.update(expires_at=now()).execute()
    with pytest.raises(Gone):
        handing_over.look(installation, link.token, **HERE)
    assert state(admin, draft.id) == "expired"

    other = handing_over.make(admin, draft.id, ALL)
    handing_over.revoke(admin, draft.id, other.id)
    with pytest.raises(Gone):
        handing_over.give(installation, other.token, GIVEN, **HERE)
    assert state(admin, draft.id) == "withdrawn"
    assert version_of(admin, draft.id).number == 1


def test_the_token_is_kept_as_its_hash_and_has_256_bits(link):
    row = HandOver.get()

    assert len(link.token) == 43
    assert row.token_hash == fingerprint(link.token)
    stored = str(list(HandOver.select().dicts()))
    assert link.token not in stored


def test_an_unknown_link_is_missing_and_guessing_is_slowed(installation):
    for _ in range(VISITS):
        with pytest.raises(Missing):
            handing_over.look(installation, "guess", ip="203.0.113.7")

    with pytest.raises(TooMany):
        handing_over.look(installation, "guess", ip="203.0.113.7")
    with pytest.raises(Missing):
        handing_over.look(installation, "guess", ip="203.0.113.8")


def test_a_link_of_a_deleted_sender_is_gone(installation, owner, draft, link):
    senders.delete(owner, draft.id)

    with pytest.raises(Gone):
        handing_over.look(installation, link.token, **HERE)


def test_admins_are_told_and_the_audit_names_every_step(
    installation, owner, admin, draft, link, save
):
    save(admin, name="Another that carries mail", activate=True)

    handing_over.give(installation, link.token, GIVEN, **HERE)
    other = handing_over.make(admin, draft.id, ALL)
    handing_over.revoke(admin, draft.id, other.id)

    names = [each.event for each in audit.events(admin, event="sender.").events]
    assert names.count("sender.hand_over_made") == 2
    assert {"sender.handed_over", "sender.hand_over_revoked"} <= set(names)
    told = Message.get(Message.subject.startswith("The credentials of"))
    assert told.shown_to.startswith(owner.person.email)
    kept = " ".join(str(each) for each in audit.every(admin))
    assert "given once" not in kept and link.token not in kept


def test_only_admins_of_the_tenant_make_links(viewer, stranger, draft):
    with pytest.raises(Forbidden):
        handing_over.make(viewer, draft.id, ALL)
    with pytest.raises(Forbidden):
        handing_over.links(viewer, draft.id)
    with pytest.raises(Missing):
        handing_over.make(stranger, draft.id, ALL)
    with pytest.raises(Missing):
        handing_over.revoke(stranger, draft.id, "x")


def test_a_version_that_waits_cannot_carry_mail(admin, draft, form):
    with pytest.raises(Invalid, match="waits for what it signs in with"):
        senders.activate(admin, draft.id, 1, patience_s=0)
    with pytest.raises(Invalid) as refused:
        testing.start(
            admin,
            values=form(password=None, username=""),
            sender_id=draft.id,
            to="kim@example.org",
            session_id=None,
        )

    assert {each.field for each in refused.value.errors} == {"username", "password"}


def test_once_given_it_is_tested_and_used_as_any_other(
    installation, admin, draft, link
):
    handing_over.give(installation, link.token, GIVEN, **HERE)

    done = senders.activate(admin, draft.id, 2, patience_s=0)

    assert done.active
    assert done.warning == "Version 2 was never tested."


def test_a_draft_is_judged_in_everything_but_what_is_missing(admin, form):
    values = form(password=None, username="", host="no host", from_address="x")

    with pytest.raises(Invalid) as refused:
        senders.save(
            admin, sender_id=None, values=values, activate=False, incomplete=True
        )

    assert {each.field for each in refused.value.errors} == {"host", "from_address"}


def test_a_draft_that_is_to_be_used_is_no_draft(admin, form):
    with pytest.raises(Invalid):
        senders.save(
            admin,
            sender_id=None,
            values=form(password=None),
            activate=True,
            incomplete=True,
        )


def test_an_oauth_client_is_handed_over(installation, admin, form):
    """The directory in the token address, the client and its secret."""
    values = form(
        provider="microsoft365",
        auth="oauth2",
        username=None,
        password=None,
        host="smtp.office365.com",
        oauth={
            "grant": "client_credentials",
            "token_url": "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
            "scope": "https://outlook.office365.com/.default",
        },
    )
    draft = senders.save(
        admin, sender_id=None, values=values, activate=False, incomplete=True
    )
    link = handing_over.make(admin, draft.id, ["username", "secret"])
    names = handing_over.look(installation, link.token, **HERE).asked
    assert names == ("oauth.token_url", "oauth.client_id", "oauth.client_secret")

    url = "https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token"
    given = dict(zip(names, (url, "client-7", "the value"), strict=True))
    handing_over.give(installation, link.token, given, **HERE)

    version = version_of(admin, draft.id)
    assert version.settings["oauth"]["token_url"] == url
    assert version.settings["oauth"]["client_id"] == "client-7"
    opened = open_secrets(installation.vault, version)
    assert opened == {"oauth.client_secret": Secret("the value")}

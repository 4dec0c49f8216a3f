"""Each save is a version; secrets are sealed, kept or asked for again."""

from __future__ import annotations

import threading

import pytest

from portal.errors import Forbidden, Invalid, Missing
from portal.services import audit, senders
from portal.services.senders import carrier
from portal.services.senders.finding import newest
from portal.services.senders.sealing import open_secrets
from portal.store.database import connection
from portal.store.models import Route, Sender, SenderSecret, SenderVersion


def names(actor, event: str = "") -> list[str]:
    found = audit.events(actor, event=event or None).events
    return [each.event for each in reversed(found)]


def secret_of(actor, sender_id: str) -> str:
    version = newest(Sender.get(Sender.public_id == sender_id))
    return open_secrets(actor.installation.vault, version)["password"].reveal()


def test_a_save_is_a_version_that_never_changes(both_databases, admin, save):
    first = save(admin)
    before = SenderVersion.get(SenderVersion.number == 1).settings

    second = save(admin, sender_id=first.id, from_name="Other", password=None)

    assert (first.version, second.version) == (1, 2)
    assert first.id == second.id
    assert SenderVersion.get(SenderVersion.number == 1).settings == before
    assert not second.active


def test_no_row_holds_the_secret_in_clear(admin, save, database):
    save(admin, password="correct horse battery")

    tables = [
        row[0]
        for row in database.execute_sql(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
        )
    ]
    content = [
        repr(row)
        for table in tables
        for row in database.execute_sql(f'SELECT * FROM "{table}"')
    ]
    assert "smtp.example.org" in "".join(content)
    assert "correct horse battery" not in "".join(content)


def test_a_kept_secret_opens_in_the_new_version_and_keeps_its_date(admin, save):
    first = save(admin, password=" as typed ")
    [before] = SenderSecret.select()

    save(admin, sender_id=first.id, password="", from_name="Other")

    assert secret_of(admin, first.id) == " as typed "
    *_, after = SenderSecret.select().order_by(SenderSecret.id)
    assert after.id != before.id
    assert after.created_at == before.created_at


def test_a_sealed_secret_does_not_open_in_another_senders_row(admin, save):
    save(admin)
    other = save(admin, name="Other", password="something else")
    rows = list(SenderSecret.select().order_by(SenderSecret.id))

    SenderSecret.update(sealed=rows[0].sealed).where(
        SenderSecret.id == rows[1].id
    ).execute()

    with pytest.raises(Exception, match="does not open"):
        secret_of(admin, other.id)


def test_another_host_asks_for_the_secret_again_and_saves_nothing(admin, save):
    first = save(admin)

    with pytest.raises(Invalid) as refused:
        save(admin, sender_id=first.id, password="", host="evil.example.net")

    assert [each.field for each in refused.value.errors] == ["password"]
    assert SenderVersion.select().count() == 1


def test_replacing_the_secret_touches_nothing_else(admin, save):
    first = save(admin, from_name="Acme")

    saved = senders.save(
        admin,
        sender_id=first.id,
        values={"password": "brand new", "host": "evil.example.net"},
        activate=False,
        replace_secret=True,
    )

    assert saved.version == 2
    assert senders.sender(admin, first.id).fields.host == "smtp.example.org"
    assert secret_of(admin, first.id) == "brand new"


def test_replacing_the_secret_with_nothing_is_refused(admin, save):
    first = save(admin)

    with pytest.raises(Invalid) as refused:
        senders.save(
            admin,
            sender_id=first.id,
            values={"password": ""},
            activate=False,
            replace_secret=True,
        )

    assert refused.value.errors[0].field == "password"


def test_a_name_is_one_sender_of_its_tenant(both_databases, admin, stranger, save):
    save(admin)
    save(stranger)

    with pytest.raises(Invalid) as refused:
        save(admin)

    assert refused.value.errors[0].field == "name"
    assert SenderVersion.select().count() == 2


def test_saves_at_the_same_time_get_numbers_of_their_own(both_databases, admin, save):
    first = save(admin)
    failed: list[BaseException] = []

    def again(n: int) -> None:
        try:
            with connection():
                save(admin, sender_id=first.id, from_name=f"Name {n}")
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=again, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    numbers = [row.number for row in SenderVersion.select().order_by("number")]
    assert sorted(numbers) == [1, 2, 3, 4, 5, 6, 7]


def test_saving_and_using_says_that_nobody_tested_it(admin, save):
    saved = save(admin, activate=True)

    assert saved.active
    assert not saved.tested
    assert saved.warning == "Version 1 was never tested."
    assert (saved.waiting.waiting, saved.waiting.uncertain) == (0, 0)


def test_the_audit_tells_what_changed_and_of_secrets_only_that(admin, owner, save):
    first = save(admin, password="old secret", activate=True)
    save(admin, sender_id=first.id, password="new secret", port=2525)

    found = audit.events(owner, event="sender.updated").events
    assert found[0].actor == "admin@example.org"
    assert found[0].detail["changed"] == ["port"]
    assert found[0].detail["secrets_changed"] == ["password"]
    assert names(owner) == [
        "sender.created",
        "sender.activated",
        "admin.integration_email_smtp_enabled",
        "sender.updated",
    ]
    whole = repr(audit.events(owner).events)
    assert "old secret" not in whole
    assert "new secret" not in whole


def test_a_viewer_may_not_save_and_a_stranger_finds_nothing(
    admin, viewer, stranger, save
):
    first = save(admin)

    with pytest.raises(Forbidden):
        save(viewer, name="Mine")
    for reach in (
        lambda: save(stranger, sender_id=first.id),
        lambda: senders.sender(stranger, first.id),
        lambda: senders.versions(stranger, first.id),
        lambda: senders.activate(stranger, first.id, 1),
        lambda: senders.delete(stranger, first.id),
        lambda: senders.export(stranger, first.id),
    ):
        with pytest.raises(Missing):
            reach()
    assert senders.senders(stranger) == []


def test_only_an_owner_deletes_and_never_what_carries_the_mail(admin, owner, save):
    first = save(admin, activate=True)

    with pytest.raises(Forbidden):
        senders.delete(admin, first.id)
    with pytest.raises(Invalid, match="carries the mail now"):
        senders.delete(owner, first.id)
    senders.disable(admin, patience_s=0)
    senders.delete(owner, first.id)

    assert senders.senders(owner) == []
    assert SenderSecret.select().count() == 0
    assert names(owner)[-2:] == [
        "admin.integration_email_smtp_disabled",
        "sender.deleted",
    ]
    assert save(admin).version == 1  # its name is free again


def test_a_deleted_sender_is_not_activated(admin, owner, save):
    first = save(admin)
    senders.delete(owner, first.id)

    with pytest.raises(Missing):
        senders.activate(admin, first.id, 1)

    assert Route.get(Route.tenant == admin.here.id).active_version is None


def test_versions_tell_what_changed(admin, save):
    first = save(admin)
    save(admin, sender_id=first.id, port=2525, password="another")
    save(admin, sender_id=first.id, port=2525, password="")

    third, second, first_version = senders.versions(admin, first.id)

    assert {each.field for each in second.changes} == {"port", "password"}
    [port] = [each for each in second.changes if each.field == "port"]
    assert (port.before, port.after) == (587, 2525)
    assert third.changes == ()
    assert first_version.changes == ()


def test_a_server_token_signs_in_as_itself(admin, save):
    token = "0a1b2c3d-0000-4000-8000-0123456789ab"
    save(admin, provider="postmark", username="", password=token, activate=True)
    route = senders.route_now(admin.installation, admin.here.id)

    carried = carrier(
        admin.installation, route.kind, route.version_id, tenant_id=admin.here.id
    )

    assert carried.relay.username == token
    assert carried.relay.password.reveal() == token


def test_an_export_is_what_apply_reads_and_holds_no_secret(admin, save, validate):
    first = save(admin, pacing={"per_hour": 100}, relay_ips=["192.0.2.1"])

    exported = senders.export(admin, first.id)

    assert "password" not in exported
    assert exported["pacing"]["per_hour"] == 100
    again = validate({**exported, "password": "open sesame"})
    assert again.settings() == senders.sender(admin, first.id).fields.settings()

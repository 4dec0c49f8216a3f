"""The audit is a chain: complete, in order, and a tenant's own."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from portal.errors import Forbidden, Missing
from portal.services import audit
from portal.services.actor import Actor
from portal.store import database as store
from portal.store.engines import execute
from portal.store.models import AuditEvent, AuditHead

both = pytest.mark.usefixtures("both_databases")


@both
def test_event_is_kept_with_who_when_and_where(owner):
    audit.record(
        owner,
        "sender.updated",
        subject_kind="sender",
        subject_id="s1",
        detail={"changed": ["host"], "secrets": {"password": "changed"}, "n": 3},
    )

    [event] = audit.events(owner).events
    assert (event.event, event.actor, event.ip) == (
        "sender.updated",
        "owner@example.org",
        "192.0.2.7",
    )
    assert (event.subject_kind, event.subject_id) == ("sender", "s1")
    assert event.detail == {
        "changed": ["host"],
        "secrets": {"password": "changed"},
        "n": 3,
    }


@both
def test_chain_holds(owner):
    for number in range(20):
        audit.record(owner, "email.sent", detail={"n": number, "é": [None, True, 1.5]})

    assert audit.verify(owner) == audit.Chain(length=20, broken_at=None)


@both
@pytest.mark.parametrize("text", ["a\0b", "half \ud800 pair", "\U0001f600"])
def test_hostile_text_is_kept_on_both_engines(owner, text):
    """A relay's words: PostgreSQL refuses NUL, and JSON half a pair."""
    audit.record(owner, "email.send_failed", detail={"text": text, text: 1})

    assert audit.verify(owner).broken_at is None


@both
def test_rolled_back_event_leaves_no_gap(owner):
    audit.record(owner, "email.sent")
    with pytest.raises(ZeroDivisionError), store.transaction():
        audit.record(owner, "email.sent")
        raise ZeroDivisionError
    audit.record(owner, "email.sent")

    assert audit.verify(owner) == audit.Chain(length=2, broken_at=None)


@both
def test_events_at_once_stand_in_one_chain(owner):
    """Without the lock on its head two would follow the same event."""
    gate = threading.Barrier(6)

    def work() -> None:
        with store.connection():
            gate.wait()
            for _ in range(5):
                audit.record(owner, "email.sent")

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert audit.verify(owner) == audit.Chain(length=30, broken_at=None)


def _forge(database, sql: str) -> None:
    """What somebody with the file could do who takes the guards away first."""
    for guard in ("audit_kept", "audit_stays"):
        execute(database, f"DROP TRIGGER {guard}")
    execute(database, sql)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit_event SET actor = 'somebody' WHERE id = 2",
        "UPDATE audit_event SET detail = '{\"n\":9}' WHERE id = 2",
        "UPDATE audit_event SET at = at + 1 WHERE id = 2",
        "DELETE FROM audit_event WHERE id = 2",
    ],
)
def test_forged_event_is_found(owner, database, sql):
    for number in range(3):
        audit.record(owner, "email.sent", detail={"n": number})
    _forge(database, sql)

    broken = audit.verify(owner)

    assert broken.length == 1
    assert broken.broken_at in {row.public_id for row in AuditEvent.select()}


def test_cut_end_is_found(owner, database):
    for _ in range(3):
        audit.record(owner, "email.sent")
    _forge(database, "DELETE FROM audit_event WHERE id = 3")

    assert audit.verify(owner) == audit.Chain(length=2, broken_at="the end")


def test_each_tenant_has_its_own_chain(owner, stranger):
    audit.record(owner, "email.sent")
    audit.record(stranger, "email.sent")
    audit.record(replace(owner, tenant=None), "user.signed_in")

    assert len(audit.events(owner).events) == 1
    assert len(audit.events(stranger).events) == 1
    assert sorted(head.length for head in AuditHead.select()) == [1, 1, 1]


def test_stranger_reads_nothing(owner, stranger, installation):
    audit.record(owner, "email.sent")
    mine = audit.events(owner).events[0].id

    with pytest.raises(Missing):
        audit.events(stranger, after=mine)
    with pytest.raises(Missing):
        audit.events(Actor(installation=installation, tenant=owner.here))
    with pytest.raises(Forbidden):
        audit.events(replace(stranger, tenant=None, role=None))


@both
def test_pages_follow_each_other(owner):
    for number in range(7):
        audit.record(owner, "email.sent", detail={"n": number})

    seen, after = [], None
    while True:
        page = audit.events(owner, limit=3, after=after)
        seen += [event.detail["n"] for event in page.events]
        after = page.next
        if after is None:
            break

    assert seen == [6, 5, 4, 3, 2, 1, 0]


@both
def test_events_are_filtered(owner, viewer):
    audit.record(owner, "email.sent")
    audit.record(viewer, "email.send_failed")
    audit.record(owner, "key.created")

    def names(**filters: str) -> list[str]:
        return [event.event for event in audit.events(owner, **filters).events]

    assert names(event="email.sent") == ["email.sent"]
    assert names(event="email.") == ["email.send_failed", "email.sent"]
    assert names(event="email") == []
    assert names(person="viewer@example.org") == ["email.send_failed"]

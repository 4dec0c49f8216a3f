"""What the database itself refuses, whatever the code above it does.

A final state never changes (a person decides on `uncertain`, which is not
final); audit rows are only added; the content of a message is frozen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from peewee import SqliteDatabase
from playhouse.migrate import SchemaMigrator

GUARDS = (
    (
        "recipient_final",
        "UPDATE",
        "recipient",
        "OLD.state IN ('sent', 'failed', 'expired', 'cancelled')"
        " AND NEW.state <> OLD.state",
        "a final state never changes",
    ),
    ("audit_kept", "UPDATE", "audit_event", "", "audit rows never change"),
    ("audit_stays", "DELETE", "audit_event", "", "audit rows are never removed"),
    ("content_kept", "UPDATE", "message_content", "", "content never changes"),
)


def up(migrator: SchemaMigrator, db: Any) -> None:
    make = _sqlite if isinstance(db, SqliteDatabase) else _postgresql
    for guard in GUARDS:
        for statement in make(*guard):
            db.execute_sql(statement)


def _sqlite(name: str, event: str, table: str, when: str, words: str) -> Iterator[str]:
    condition = f"WHEN {when} " if when else ""
    yield (
        f'CREATE TRIGGER "{name}" BEFORE {event} ON "{table}" FOR EACH ROW '
        f"{condition}BEGIN SELECT RAISE(ABORT, '{words}'); END"
    )


def _postgresql(
    name: str, event: str, table: str, when: str, words: str
) -> Iterator[str]:
    condition = f"WHEN ({when}) " if when else ""
    yield (
        f'CREATE FUNCTION "{name}"() RETURNS trigger LANGUAGE plpgsql AS '
        f"$$ BEGIN RAISE EXCEPTION '{words}' USING ERRCODE = "
        "'integrity_constraint_violation'; END $$"
    )
    yield (
        f'CREATE TRIGGER "{name}" BEFORE {event} ON "{table}" FOR EACH ROW '
        f'{condition}EXECUTE FUNCTION "{name}"()'
    )

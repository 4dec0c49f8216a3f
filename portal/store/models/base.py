"""What every table shares: the database of this process, and random public ids."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from peewee import CharField, DatabaseProxy, Model

# One process has one database; `portal.store.database.attach` fills this in.
proxy: DatabaseProxy = DatabaseProxy()


def public_id() -> str:
    """A random id for URLs, JSON and commands: 128 bit, 22 characters. The first is
    no dash, which a shell's command would take for an option."""
    while (made := secrets.token_urlsafe(16)).startswith("-"):
        continue
    return made


class Table(Model):
    if TYPE_CHECKING:
        # peewee makes these of each model; `x_id` is the key behind the link `x`.
        id: Any
        tenant_id: Any
        message_id: Any
        person_id: Any
        sender_id: Any
        version_id: Any
        session_id: Any
        key_id: Any
        active_version_id: Any

    class Meta:
        database = proxy
        legacy_table_names = False


class PublicIdField(CharField):
    def __init__(self) -> None:
        super().__init__(max_length=32, unique=True, default=public_id)

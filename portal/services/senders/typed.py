"""Secrets typed for a live test, lent to a repair of the same browser session.

They are sealed with the test for 15 minutes. What is lent goes to the same host,
over verified TLS and under the same authorities, or it is typed again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from portal.crypto.seal import CannotOpen
from portal.delivery.types import Security
from portal.errors import Unavailable
from portal.secret import Secret
from portal.services.actor import Actor
from portal.services.senders.fields import (
    CLIENT_KEY,
    SIGNING_KEY,
    SenderFields,
    stored_fields,
)
from portal.services.senders.keeping import LENT_TO, possible, value_of
from portal.store.fields import instant, micros, now
from portal.store.models import LiveTest, OAuthConsent
from portal.store.vault import Vault

DAMAGED = "The secret typed for this test does not open. Type it again."
COLUMN = "sealed"

Lending = LiveTest | OAuthConsent  # a row that secrets were typed for


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """The secrets of one test. `typed` names those that may be lent until
    `typed_until`; the others are stored ones, which are never lent."""

    secrets: Mapping[str, Secret]
    typed: frozenset[str] = frozenset()
    typed_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lender:
    """An earlier test of this session, or a consent: where its secrets went, and
    until when. `fields` hold the ones that may be lent."""

    fields: SenderFields
    until: datetime


def seal_typed(vault: Vault, row: Lending, typed: Typed) -> bytes:
    plain = {
        "secrets": {name: each.reveal() for name, each in typed.secrets.items()},
        "typed": sorted(typed.typed),
        "until": micros(typed.typed_until) if typed.typed_until else None,
    }
    return vault.seal(json.dumps(plain), **_cell(row), version=0)


def open_typed(vault: Vault, row: Lending) -> Typed:
    """The secrets of a row. Raises `Locked`, Unavailable for an altered blob."""
    if row.sealed is None:
        return Typed(secrets={})
    try:
        opened = vault.open(bytes(row.sealed), **_cell(row), version=0)
    except CannotOpen:
        raise Unavailable(DAMAGED) from None
    plain = json.loads(opened)
    return Typed(
        secrets={name: Secret(text) for name, text in plain["secrets"].items()},
        typed=frozenset(plain.get("typed", ())),
        typed_until=instant(plain["until"]) if plain["until"] else None,
    )


def lending(tenant_id: int, session_id: int | None) -> list[Lending]:
    """The tests and consents of one browser session whose time is not over."""
    if session_id is None:
        return []
    return [
        row
        for model in (LiveTest, OAuthConsent)
        for row in model.select().where(
            model.tenant == tenant_id,
            model.session == session_id,
            model.expires_at > now(),
        )
    ]


def lender(actor: Actor, lending_id: str | None) -> Lender | None:
    """What a test or a consent of this very session may lend; None is no fault."""
    if lending_id is None:
        return None
    rows = lending(actor.here.id, actor.session_id)
    found = next((row for row in rows if row.public_id == lending_id), None)
    if found is None or found.sealed is None:
        return None
    typed = open_typed(actor.installation.vault, found)
    if typed.typed_until is None or typed.typed_until <= now():
        return None
    lent = {name: typed.secrets[name] for name in typed.typed}
    return Lender(
        fields=stored_fields(found.settings, secrets=lent), until=typed.typed_until
    )


def lend(fields: SenderFields, lender: Lender | None) -> SenderFields:
    """The fields with the lent secrets that may go there, else as they are."""
    if lender is None:
        return fields
    lent = {
        name: secret
        for name, secret in lender.fields.secrets.items()
        if name in possible(fields)
        and name not in fields.secrets
        and _may_go(name, fields, lender.fields)
    }
    return replace(fields, secrets={**lent, **fields.secrets}) if lent else fields


def _may_go(name: str, fields: SenderFields, before: SenderFields) -> bool:
    """Looser than for a stored secret: whoever repairs has just typed it."""
    if any(value_of(fields, each) != value_of(before, each) for each in LENT_TO[name]):
        return False
    return name in (CLIENT_KEY, SIGNING_KEY) or fields.security is not Security.NONE


def _cell(row: Lending) -> dict[str, str]:
    return {
        "tenant": str(row.tenant_id),
        "table": row._meta.table_name,
        "column": COLUMN,
        "row": row.public_id,
    }

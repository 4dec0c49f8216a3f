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
from portal.store.models import LiveTest
from portal.store.vault import Vault

DAMAGED = "The secret typed for this test does not open. Type it again."
TABLE, COLUMN = "live_test", "sealed"


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


def seal_typed(vault: Vault, test: LiveTest, typed: Typed) -> bytes:
    plain = {
        "secrets": {name: each.reveal() for name, each in typed.secrets.items()},
        "typed": sorted(typed.typed),
        "until": micros(typed.typed_until) if typed.typed_until else None,
    }
    return vault.seal(
        json.dumps(plain),
        tenant=str(test.tenant_id),
        table=TABLE,
        column=COLUMN,
        row=test.public_id,
        version=0,
    )


def open_typed(vault: Vault, test: LiveTest) -> Typed:
    """The secrets of a test. Raises `Locked`, Unavailable for an altered blob."""
    if test.sealed is None:
        return Typed(secrets={})
    try:
        opened = vault.open(
            bytes(test.sealed),
            tenant=str(test.tenant_id),
            table=TABLE,
            column=COLUMN,
            row=test.public_id,
            version=0,
        )
    except CannotOpen:
        raise Unavailable(DAMAGED) from None
    plain = json.loads(opened)
    return Typed(
        secrets={name: Secret(text) for name, text in plain["secrets"].items()},
        typed=frozenset(plain.get("typed", ())),
        typed_until=instant(plain["until"]) if plain["until"] else None,
    )


def lender(actor: Actor, test_id: str | None) -> Lender | None:
    """What a test of this very session may lend; None is no fault."""
    if test_id is None or actor.session_id is None:
        return None
    test = LiveTest.get_or_none(
        LiveTest.public_id == test_id,
        LiveTest.tenant == actor.here.id,
        LiveTest.session == actor.session_id,
        LiveTest.expires_at > now(),
    )
    if test is None or test.sealed is None:
        return None
    typed = open_typed(actor.installation.vault, test)
    if typed.typed_until is None or typed.typed_until <= now():
        return None
    lent = {name: typed.secrets[name] for name in typed.typed}
    return Lender(
        fields=stored_fields(test.settings, secrets=lent), until=typed.typed_until
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

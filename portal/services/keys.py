"""API keys: made once, shown once, known only by their fingerprint."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from portal.address import BadAddress, parse_domain
from portal.crypto.tokens import fingerprint, new_token, same
from portal.errors import Missing, Unauthenticated
from portal.services import audit, words
from portal.services.actor import Actor, KeyRef, Role, TenantRef
from portal.services.installation import Installation
from portal.services.tenants import tenant_ref
from portal.store.database import TROUBLE, statement, transaction
from portal.store.fields import instant, now
from portal.store.models import ApiKey

log = logging.getLogger(__name__)

BEGIN = "sp_live_"
SCOPES = ("send", "read", "cancel")
SHOWN = 8  # characters of the random part that a list shows
NOTED_EVERY = timedelta(minutes=1)
_BY_PREFIX = """
    SELECT k.key_hash, k.id, k.public_id, k.name, k.scopes, k.from_domains,
           k.to_domains, k.used_at,
           t.id, t.public_id, t.slug, t.name
    FROM api_key k JOIN tenant t ON t.id = k.tenant_id
    WHERE k.prefix = ? AND k.revoked_at IS NULL"""
_SHAPE = re.compile(rf"{BEGIN}[A-Za-z0-9_-]{{43}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """`key` is shown this once; nobody can read it again."""

    id: str
    name: str
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyView:
    id: str
    name: str
    prefix: str
    scopes: tuple[str, ...]
    from_domains: tuple[str, ...]  # empty: any that the sender may use
    to_domains: tuple[str, ...]  # empty: anybody
    created_at: datetime
    created_by: str | None
    used_at: datetime | None
    used_ip: str | None
    revoked_at: datetime | None


def make(
    actor: Actor,
    *,
    name: str,
    scopes: Iterable[str] = SCOPES,
    from_domains: Iterable[str] = (),
    to_domains: Iterable[str] = (),
) -> NewKey:
    """A key; with domains it may write From with these alone, or to these alone.

    Raises Forbidden for all but owners, Invalid by field: name, scopes,
    from_domains, to_domains.
    """
    actor.require(Role.OWNER)
    findings = words.Findings()
    shown = words.name(name, "name", findings, what="the key a name")
    chosen = [scope for scope in SCOPES if scope in set(scopes)]
    if not chosen or not set(scopes) <= set(SCOPES):
        findings.add("scopes", f"Choose at least one of {', '.join(SCOPES)}.")
    bound = {
        "from_domains": _domains(from_domains, "from_domains", findings),
        "to_domains": _domains(to_domains, "to_domains", findings),
    }
    findings.done()
    key = BEGIN + new_token()
    with transaction():
        row = ApiKey.create(
            tenant=actor.here.id,
            name=shown,
            prefix=_prefix(key),
            key_hash=fingerprint(key),
            scopes=chosen,
            created_by=actor.label,
            **bound,
        )
        told = {name: domains for name, domains in bound.items() if domains}
        _record(actor, "key.created", row, scopes=chosen, **told)
    return NewKey(id=row.public_id, name=row.name, key=key)


def keys(actor: Actor) -> list[KeyView]:
    """The keys of this tenant, the newest first, revoked ones included."""
    actor.require(Role.VIEWER)
    rows = (
        ApiKey.select().where(ApiKey.tenant == actor.here.id).order_by(ApiKey.id.desc())
    )
    return [
        KeyView(
            id=row.public_id,
            name=row.name,
            prefix=row.prefix,
            scopes=tuple(row.scopes),
            from_domains=tuple(row.from_domains or ()),
            to_domains=tuple(row.to_domains or ()),
            created_at=row.created_at,
            created_by=row.created_by,
            used_at=row.used_at,
            used_ip=row.used_ip,
            revoked_at=row.revoked_at,
        )
        for row in rows
    ]


def revoke(actor: Actor, public_id: str) -> None:
    """For good, and at once. Raises Missing for another tenant's key."""
    actor.require(Role.OWNER)
    with transaction():
        row = ApiKey.get_or_none(
            ApiKey.public_id == public_id, ApiKey.tenant == actor.here.id
        )
        if row is None:
            raise Missing("There is no such key.")
        query = ApiKey.update(revoked_at=now()).where(
            ApiKey.id == row.id, ApiKey.revoked_at.is_null()
        )
        if query.execute():
            _record(actor, "key.revoked", row)


def tenant_of(actor: Actor, public_id: str) -> TenantRef:
    """The tenant of a key, for the operator's shell. Raises Forbidden, Missing."""
    actor.require_operator()
    row = ApiKey.get_or_none(ApiKey.public_id == public_id)
    if row is None:
        raise Missing("There is no such key.")
    return tenant_ref(row.tenant)


def authenticate(installation: Installation, bearer: str, ip: str | None) -> Actor:
    """Who holds this key. Raises Unauthenticated.

    Read from the database at every request, so that a revoked key is refused at
    once whichever process revoked it. Its last use is written once a minute.
    """
    found = _find(installation, bearer, ip) if _SHAPE.fullmatch(bearer) else None
    if found is None:
        raise Unauthenticated("This API key is unknown or revoked.")
    actor, used_at = found
    if used_at is None or instant(used_at) < now() - NOTED_EVERY:
        try:
            _note_use(actor, used_at)
        except TROUBLE as error:  # what is asked for may be read on a full disk
            log.warning("the use of a key is not noted: %s", error)
    return actor


def _find(
    installation: Installation, key: str, ip: str | None
) -> tuple[Actor, int | None] | None:
    """Who holds the key, and when it was used last, in microseconds."""
    row = statement(_BY_PREFIX, _prefix(key)).fetchone()
    if row is None or not same(row[0], fingerprint(key)):
        return None
    _, key_id, public_id, name, scopes, from_, to, used_at, *tenant = row
    actor = Actor(
        installation=installation,
        tenant=TenantRef(
            id=tenant[0], public_id=tenant[1], slug=tenant[2], name=tenant[3]
        ),
        key=KeyRef(
            id=key_id,
            public_id=public_id,
            name=name,
            scopes=_set(scopes) or frozenset(),
            from_domains=_set(from_),
            to_domains=_set(to),
        ),
        ip=ip,
    )
    return actor, used_at


def _set(stored: Any) -> frozenset[str] | None:
    """A list of words as either engine gives it back; None where there is none."""
    known = json.loads(stored) if isinstance(stored, str) else stored
    return None if known is None else frozenset(known)


def _domains(
    typed: Iterable[str], field: str, findings: words.Findings
) -> list[str] | None:
    """In their strict form, each once; None where none was given."""
    found: list[str] = []
    for text in typed:
        try:
            domain = parse_domain(text.strip())
        except BadAddress as error:
            findings.add(field, str(error))
            continue
        found += [domain] if domain not in found else []
    return found or None


def _note_use(actor: Actor, seen: int | None) -> None:
    """Of requests at once, the first one writes; the very first use is audited."""
    key_id = actor.key.id if actor.key else 0
    as_seen = ApiKey.used_at.is_null() if seen is None else ApiKey.used_at == seen
    with transaction():
        noted = ApiKey.update(used_at=now(), used_ip=actor.ip).where(
            ApiKey.id == key_id, as_seen
        )
        if noted.execute() and seen is None:
            _record(actor, "key.used_first", ApiKey.get_by_id(key_id))


def _prefix(key: str) -> str:
    return key[: len(BEGIN) + SHOWN]


def _record(actor: Actor, event: str, row: ApiKey, **detail: list[str]) -> None:
    audit.record(
        actor,
        event,
        subject_kind="key",
        subject_id=row.public_id,
        detail={"name": row.name, "prefix": row.prefix, **detail},
    )

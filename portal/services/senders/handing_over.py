"""One-time links: who holds the credentials of a sender gives them without an
account, and sees nothing of the portal but what this sender needs.

A link is random, kept as a hash, good for one giving within a week, and ends at a
word of an admin. What is given becomes a version that carries no mail: an admin
tests it and decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from portal.crypto.tokens import fingerprint, new_token
from portal.errors import FieldError, Gone, Invalid, Missing
from portal.providers.types import Provider
from portal.services import alerts, audit, limits, tenants
from portal.services.actor import Actor, Role
from portal.services.installation import Installation
from portal.services.senders.fields import SenderFields, stored_fields
from portal.services.senders.finding import find, newest
from portal.services.senders.handed import asked, opened, wanted
from portal.services.senders.saving import save
from portal.store.database import transaction
from portal.store.fields import now
from portal.store.models import HandOver, Sender, SenderVersion, Tenant

KEPT = timedelta(days=7)
BY_LINK = "link of "  # who saved a version that came of one: the rest is by whom
MADE_AN_HOUR = 20
VISITS, VISITS_S = 60, 15 * 60  # from one address
GIVEN_AN_HOUR = 20  # tries with one link
GONE = (
    "It was used already, it is older than a week, or it was withdrawn. Nothing more"
    " can be given through it: ask whoever sent it for another one."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLink:
    """`token` is shown once: only its hash is kept."""

    id: str
    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkView:
    """`state` is open, used, withdrawn or expired."""

    id: str
    state: str
    opens: tuple[str, ...]
    created_at: datetime
    created_by: str | None
    expires_at: datetime
    used_at: datetime | None
    version: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What whoever has the link may know; `asked` are the fields to give."""

    by: str
    provider: Provider
    fields: SenderFields
    asked: tuple[str, ...]
    expires_at: datetime


def make(actor: Actor, sender_id: str, opens: Iterable[str]) -> NewLink:
    """`opens` are some of host, username, secret. Raises Invalid, TooMany."""
    actor.require(Role.ADMIN)
    sender = find(actor, sender_id)
    fields = stored_fields(newest(sender).settings)
    chosen = opened(fields, _provider(actor.installation, fields), opens)
    limits.spend(
        actor.installation,
        f"hand-over-made:{actor.here.id}",
        limit=MADE_AN_HOUR,
        window_s=3600,
    )
    token, at = new_token(), now()
    with transaction():
        row = HandOver.create(
            tenant=actor.here.id,
            sender=sender,
            token_hash=fingerprint(token),
            opens=list(chosen),
            created_at=at,
            created_by=actor.label,
            expires_at=at + KEPT,
        )
        _record(actor, "sender.hand_over_made", sender, opens=list(chosen))
    return NewLink(id=row.public_id, token=token, expires_at=row.expires_at)


def links(actor: Actor, sender_id: str) -> tuple[LinkView, ...]:
    """The newest first. Raises Missing."""
    actor.require(Role.ADMIN)
    rows = (
        HandOver.select()
        .where(HandOver.sender == find(actor, sender_id))
        .order_by(HandOver.id.desc())
        .limit(20)
    )
    return tuple(
        LinkView(
            id=row.public_id,
            state=_state(row),
            opens=tuple(row.opens),
            created_at=row.created_at,
            created_by=row.created_by,
            expires_at=row.expires_at,
            used_at=row.used_at,
            version=row.version,
        )
        for row in rows
    )


def revoke(actor: Actor, sender_id: str, link_id: str) -> None:
    """For good, and at once. Raises Missing."""
    actor.require(Role.ADMIN)
    sender = find(actor, sender_id)
    ours = (HandOver.public_id == link_id) & (HandOver.sender == sender.id)
    with transaction():
        if not HandOver.select().where(ours).exists():
            raise Missing("There is no such link.")
        query = HandOver.update(revoked_at=now()).where(
            ours, HandOver.revoked_at.is_null(), HandOver.used_at.is_null()
        )
        if query.execute():
            _record(actor, "sender.hand_over_revoked", sender)


def look(installation: Installation, token: str, *, ip: str | None) -> Opened:
    """What the link asks for; looking does not use it up.

    Raises Missing for a link that was never made, Gone, TooMany.
    """
    row = _found(installation, token, ip)
    fields = stored_fields(newest(row.sender).settings)
    provider = _provider(installation, fields)
    return Opened(
        by=row.created_by or "an administrator",
        provider=provider,
        fields=fields,
        asked=asked(fields, provider, row.opens),
        expires_at=row.expires_at,
    )


def give(
    installation: Installation,
    token: str,
    values: Mapping[str, object],
    *,
    ip: str | None,
) -> None:
    """Keep what was given, sealed, as a version that carries no mail; the link is
    used up by it, and by nothing less. Raises as `look` does, and Invalid by field.
    """
    row = _found(installation, token, ip)
    limits.spend(
        installation, f"hand-over:{row.id}", limit=GIVEN_AN_HOUR, window_s=3600
    )
    fields = stored_fields(newest(row.sender).settings)
    names = asked(fields, _provider(installation, fields), row.opens)
    missing = [name for name in wanted(names) if not values.get(name)]
    if missing:
        raise Invalid.many([FieldError(name, "This is missing.") for name in missing])
    actor = Actor(
        installation=installation, system=f"{BY_LINK}{row.created_by}", ip=ip
    ).within(tenants.tenant_ref(Tenant.get_by_id(row.tenant_id)))
    save(
        actor,
        sender_id=row.sender.public_id,
        values=_over(fields.settings(), values, names),
        activate=False,
        incomplete=True,
        also=partial(_use_up, actor, row),
    )
    installation.bell.ring()


def _use_up(actor: Actor, row: HandOver, version: SenderVersion) -> None:
    """In the transaction of the save: the second of two givings undoes itself."""
    here = now()
    used = HandOver.update(used_at=here, used_ip=actor.ip, version=version.number)
    if not used.where(_is_open(row, here)).execute():
        raise Gone(GONE)
    alerts.handed_over(actor, version, by=row.created_by or "an administrator")
    _record(actor, "sender.handed_over", version.sender, version=version.number)


def _is_open(row: HandOver, here: datetime) -> Any:
    return (
        (HandOver.id == row.id)
        & HandOver.used_at.is_null()
        & HandOver.revoked_at.is_null()
        & (HandOver.expires_at > here)
    )


def _found(installation: Installation, token: str, ip: str | None) -> HandOver:
    limits.spend(installation, f"hand-over-from:{ip}", limit=VISITS, window_s=VISITS_S)
    row: HandOver | None = (
        HandOver.select(HandOver, Sender)
        .join(Sender)
        .where(HandOver.token_hash == fingerprint(token))
        .first()
    )
    if row is None:
        raise Missing("There is no such link.")
    if _state(row) != "open" or row.sender.deleted_at is not None:
        raise Gone(GONE)
    return row


def _state(row: HandOver) -> str:
    if row.used_at is not None:
        return "used"
    if row.revoked_at is not None:
        return "withdrawn"
    return "open" if row.expires_at > now() else "expired"


def _over(
    settings: dict[str, Any], values: Mapping[str, object], names: Iterable[str]
) -> dict[str, Any]:
    """The stored settings with what was given for the fields that are open, and
    for no other."""
    found = dict(settings)
    for name in names:
        outer, _, inner = name.partition(".")
        if values.get(name) in (None, ""):
            continue
        if inner:
            found[outer] = {**(found[outer] or {}), inner: values[name]}
        else:
            found[outer] = values[name]
    return found


def _provider(installation: Installation, fields: SenderFields) -> Provider:
    catalogue = installation.catalogue
    found = catalogue.get(fields.provider) or catalogue.get("generic_smtp")
    if found is None:
        raise Missing("The catalogue has no such provider.")
    return found


def _record(actor: Actor, event: str, sender: Sender, **detail: object) -> None:
    audit.record(
        actor,
        event,
        subject_kind="sender",
        subject_id=sender.public_id,
        detail={"name": sender.name, **detail},
    )

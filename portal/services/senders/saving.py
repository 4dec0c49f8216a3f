"""Saving a sender: each save is a new version, immutable from then on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from peewee import IntegrityError

from portal.crypto.signing import new_key
from portal.errors import FieldError, Invalid, Missing
from portal.secret import Secret
from portal.services import audit
from portal.services.actor import Actor, Role
from portal.services.senders.activating import (
    MovedTo,
    chosen,
    move_to,
    stop_using,
    untested_warning,
)
from portal.services.senders.advice import notes
from portal.services.senders.checking import validate
from portal.services.senders.digesting import digest
from portal.services.senders.fields import (
    SECRETS,
    SIGNING_KEY,
    SenderFields,
    changed_names,
)
from portal.services.senders.finding import (
    NO_SENDER,
    find,
    named,
    newest,
    stored,
)
from portal.services.senders.replacing import only_the_secret
from portal.services.senders.routing import (
    CUT_OVER_PATIENCE_S,
    LeftBehind,
    wait_for_older,
)
from portal.services.senders.sealing import (
    Stamp,
    open_kept,
    read_stamps,
    seal_secrets,
)
from portal.services.senders.typed import lender
from portal.store.fields import now
from portal.store.models import LiveTest, Sender, SenderVersion

TAKEN = "Another sender of this tenant has this name."


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A version as it was saved or activated.

    `warning` is said when it carries mail without a passed test; `waiting` is
    set by an activation; `notes` stand beside their fields.
    """

    id: str
    version: int
    active: bool
    tested: bool
    warning: str | None = None
    waiting: LeftBehind | None = None
    notes: tuple[FieldError, ...] = ()


def save(
    actor: Actor,
    *,
    sender_id: str | None,
    values: Mapping[str, object],
    activate: bool,
    replace_secret: bool = False,
    incomplete: bool = False,
    typed_in: str | None = None,
    also: Callable[[SenderVersion], None] | None = None,
    patience_s: float = CUT_OVER_PATIENCE_S,
) -> Saved:
    """Insert a version of a new (`sender_id` None) or a known sender.

    `replace_secret` is an action of its own: only the secret of `values` is read,
    every other field stays. `incomplete`: what it signs in with may come later; it
    cannot carry mail before. `typed_in` names a live test of this browser session
    whose typed secret stands in for an empty field. `also` happens with the save or
    undoes it. Raises Invalid.
    """
    actor.require(Role.ADMIN)
    sender = find(actor, sender_id) if sender_id else None
    before = newest(sender) if sender else None
    known = stored(before) if before else None
    if replace_secret:
        values = only_the_secret(values, known)
    fields = validate(
        values,
        catalogue=actor.installation.catalogue,
        settings=actor.installation.settings,
        stored=known,
        lender=lender(actor, typed_in),
        incomplete=incomplete and not activate,
    )
    version, moved = _write(actor, sender, before, fields, activate=activate, also=also)
    provider = actor.installation.catalogue.get(fields.provider)
    return Saved(
        id=version.sender.public_id,
        version=version.number,
        active=activate,
        tested=version.test_status == "sent",
        warning=untested_warning(version) if activate else None,
        waiting=_settle(actor, moved, patience_s),
        notes=notes(fields, provider),
    )


def activate(
    actor: Actor,
    sender_id: str,
    number: int,
    *,
    patience_s: float = CUT_OVER_PATIENCE_S,
) -> Saved:
    """Let a saved version carry the mail. Raises Missing."""
    version, moved = chosen(actor, sender_id, number)
    return Saved(
        id=sender_id,
        version=version.number,
        active=True,
        tested=version.test_status == "sent",
        warning=untested_warning(version),
        waiting=_settle(actor, moved, patience_s) or LeftBehind(),
    )


def disable(actor: Actor, *, patience_s: float = CUT_OVER_PATIENCE_S) -> LeftBehind:
    """Stop using the active sender: the platform default carries the mail."""
    return _settle(actor, stop_using(actor), patience_s) or LeftBehind()


def _write(
    actor: Actor,
    sender: Sender | None,
    before: SenderVersion | None,
    fields: SenderFields,
    *,
    activate: bool,
    also: Callable[[SenderVersion], None] | None,
) -> tuple[SenderVersion, MovedTo | None]:
    vault = actor.installation.vault
    secrets = {**open_kept(vault, fields, before), **fields.secrets}
    if fields.dkim_signing and SIGNING_KEY not in secrets:
        made = Secret(new_key(fields.dkim_signing.algorithm.value))
        fields = replace(fields, secrets={**fields.secrets, SIGNING_KEY: made})
        secrets[SIGNING_KEY] = made
    sealed_digest = digest(vault, actor.here.id, fields, secrets)

    def insert() -> tuple[SenderVersion, MovedTo | None]:
        row = _sender_row(actor, sender, fields.name)
        version = _version_row(actor, row, fields, sealed_digest)
        _seal(actor, version, secrets, before, fields)
        _record(actor, version, before, fields)
        if also:
            also(version)
        return version, move_to(actor, version) if activate else None

    try:
        # In its turn: beside a busy writer, a lock that is asked for is rarely got.
        return actor.installation.writer.run(insert)
    except IntegrityError:
        if named(actor, fields.name) is None:
            raise
        raise Invalid("name", TAKEN) from None


def _sender_row(actor: Actor, sender: Sender | None, name: str) -> Sender:
    if sender is None:
        return Sender.create(tenant=actor.here.id, name=name, latest=1)
    changed = (
        Sender.update(name=name, latest=Sender.latest + 1)
        .where(Sender.id == sender.id, Sender.deleted_at.is_null())
        .execute()
    )
    if not changed:
        raise Missing(NO_SENDER)
    return Sender.get_by_id(sender.id)


def _version_row(
    actor: Actor, sender: Sender, fields: SenderFields, sealed_digest: str
) -> SenderVersion:
    test = _passed_before(actor, sealed_digest)
    return SenderVersion.create(
        sender=sender,
        number=sender.latest,
        provider=fields.provider,
        settings=fields.settings(),
        digest=sealed_digest,
        created_by=actor.label,
        tested_at=test.ended_at if test else None,
        test_status=(test.outcome or {}).get("status") if test else None,
    )


def _passed_before(actor: Actor, sealed_digest: str) -> LiveTest | None:
    """The last test of exactly these settings and secrets, run before the save."""
    found: LiveTest | None = (
        LiveTest.select()
        .where(
            LiveTest.tenant == actor.here.id,
            LiveTest.digest == sealed_digest,
            LiveTest.kind == "mail",
            LiveTest.state == "done",
        )
        .order_by(LiveTest.id.desc())
        .first()
    )
    return found


def _seal(
    actor: Actor,
    version: SenderVersion,
    secrets: dict[str, Secret],
    before: SenderVersion | None,
    fields: SenderFields,
) -> None:
    """A kept secret keeps who typed it and when; it is sealed to the new row."""
    typed = Stamp(at=now(), by=actor.label)
    stamps = read_stamps(before) if before else {}
    stamps |= dict.fromkeys(fields.secrets, typed)
    seal_secrets(actor.installation.vault, version, secrets, stamps)


def _record(
    actor: Actor,
    version: SenderVersion,
    before: SenderVersion | None,
    fields: SenderFields,
) -> None:
    old = stored(before).fields if before else None
    names = changed_names(old, fields)
    audit.record(
        actor,
        "sender.updated" if before else "sender.created",
        subject_kind="sender",
        subject_id=version.sender.public_id,
        detail={
            "name": fields.name,
            "version": version.number,
            "changed": [name for name in names if name not in SECRETS],
            "secrets_changed": [name for name in names if name in SECRETS],
        },
    )


def _settle(
    actor: Actor, moved: MovedTo | None, patience_s: float
) -> LeftBehind | None:
    if moved is None:
        return None
    actor.installation.bell.ring()
    return wait_for_older(actor.here.id, moved.fence, patience_s=patience_s)

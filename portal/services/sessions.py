"""Browser sessions: kept here, not in the cookie, so that they can be ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.crypto.tokens import fingerprint, new_token
from portal.errors import Missing
from portal.services.actor import Actor, PersonRef
from portal.services.installation import Installation
from portal.store.database import transaction
from portal.store.fields import now
from portal.store.models import BrowserSession, Person

IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=12)
# A page view writes the time of the last one at most this often.
NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A living session. `token` goes into the cookie, `csrf` into each form."""

    token: str
    csrf: str
    actor: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView:
    id: int
    began_at: datetime
    seen_at: datetime
    ip: str | None
    user_agent: str
    current: bool


def begin(
    installation: Installation, person: Person, *, ip: str | None, user_agent: str
) -> SignedIn:
    """A new session, always with a new token."""
    token = new_token()
    at = now()
    row = BrowserSession.create(
        token_hash=fingerprint(token),
        person=person,
        csrf=new_token(),
        created_at=at,
        seen_at=at,
        ends_at=at + ABSOLUTE,
        ip=ip,
        user_agent=user_agent[:300],
    )
    return _signed_in(installation, row, token, ip)


def resume(installation: Installation, token: str, ip: str | None) -> SignedIn | None:
    """The session of a cookie; None if it ended, was revoked or never was."""
    at = now()
    row = (
        BrowserSession.select(BrowserSession, Person)
        .join(Person)
        .where(
            BrowserSession.token_hash == fingerprint(token),
            BrowserSession.ends_at > at,
            BrowserSession.seen_at > at - IDLE,
            Person.disabled_at.is_null(),
        )
        .first()
    )
    if row is None:
        return None
    if row.seen_at < at - NOTED_EVERY:
        BrowserSession.update(seen_at=at, ip=ip).where(
            BrowserSession.id == row.id, BrowserSession.seen_at < at
        ).execute()
    return _signed_in(installation, row, token, ip)


def sign_out(actor: Actor) -> None:
    """End the session that the actor came with."""
    BrowserSession.delete().where(BrowserSession.id == actor.session_id).execute()


def sessions(actor: Actor) -> list[SessionView]:
    """The living sessions of the person who asks, the newest first."""
    at = now()
    rows = (
        BrowserSession.select()
        .where(
            BrowserSession.person == _person(actor).id,
            BrowserSession.ends_at > at,
            BrowserSession.seen_at > at - IDLE,
        )
        .order_by(BrowserSession.id.desc())
    )
    return [
        SessionView(
            id=row.id,
            began_at=row.created_at,
            seen_at=row.seen_at,
            ip=row.ip,
            user_agent=row.user_agent or "",
            current=row.id == actor.session_id,
        )
        for row in rows
    ]


def revoke(actor: Actor, session_id: int) -> None:
    """End one session of one's own. Raises Missing for anybody else's."""
    query = BrowserSession.delete().where(
        BrowserSession.id == session_id, BrowserSession.person == _person(actor).id
    )
    if query.execute() == 0:
        raise Missing("There is no such session.")


def revoke_others(actor: Actor) -> int:
    """End every session of one's own but this one; how many there were."""
    query = BrowserSession.delete().where(
        BrowserSession.person == _person(actor).id,
        BrowserSession.id != (actor.session_id or 0),
    )
    return int(query.execute())


def end_all(person_id: int) -> None:
    """Sign a person out everywhere."""
    BrowserSession.delete().where(BrowserSession.person == person_id).execute()


def sweep() -> int:
    """Remove the sessions that have ended; for the schedule."""
    at = now()
    over = (BrowserSession.ends_at <= at) | (BrowserSession.seen_at <= at - IDLE)
    with transaction():
        return int(BrowserSession.delete().where(over).execute())


def person_ref(row: Person) -> PersonRef:
    return PersonRef(
        id=row.id,
        public_id=row.public_id,
        name=row.name,
        email=row.email,
        is_operator=row.is_operator,
    )


def _signed_in(
    installation: Installation, row: BrowserSession, token: str, ip: str | None
) -> SignedIn:
    actor = Actor(
        installation=installation,
        person=person_ref(row.person),
        session_id=row.id,
        ip=ip,
    )
    return SignedIn(token=token, csrf=row.csrf, actor=actor)


def _person(actor: Actor) -> PersonRef:
    if actor.person is None:
        raise Missing("Only a person has sessions.")
    return actor.person

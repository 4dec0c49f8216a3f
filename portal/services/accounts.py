"""The doors: set-up on an empty database, sign in, one's own password."""

from __future__ import annotations

import peewee

from portal.crypto.passwords import DUMMY_HASH, hash_password, verify_password
from portal.crypto.tokens import fingerprint, new_token
from portal.errors import Gone, Invalid, Missing, Unauthenticated
from portal.services import audit, limits, tenants, words
from portal.services.actor import Actor
from portal.services.installation import Installation
from portal.services.sessions import (
    SessionView,
    SignedIn,
    begin,
    end_all,
    person_ref,
    resume,
    revoke,
    revoke_others,
    sessions,
    sign_out,
)
from portal.store.database import transaction
from portal.store.fields import now
from portal.store.models import Note, Person, SetupLink

__all__ = [
    "SessionView",
    "SignedIn",
    "change_password",
    "check_setup_link",
    "has_people",
    "make_setup_link",
    "resume",
    "revoke",
    "revoke_others",
    "sessions",
    "set_up",
    "sign_in",
    "sign_out",
]

# 5 in 15 minutes for an account from one address. The wider
# two stop a crowd of addresses, and one address that tries every account.
WINDOW_S = 15 * 60
FAILURES, OF_ADDRESS, OF_ACCOUNT = 5, 30, 50
_WRONG = "The e-mail address or the password is wrong."
_TOO_MANY = "Too many failed attempts to sign in. Try again {when}."
_USED = "This set-up link has been used. Sign in instead."
_SET_UP = "set_up"


def has_people() -> bool:
    return Person.select().exists()


def make_setup_link(installation: Installation) -> str:
    """The token of a new one-time link; links printed before it end.

    Raises Gone where there are people already.
    """
    token = new_token()
    with transaction():
        if has_people():
            raise Gone("This installation has been set up.")
        SetupLink.delete().where(SetupLink.used_at.is_null()).execute()
        SetupLink.create(token_hash=fingerprint(token))
    return token


def check_setup_link(token: str) -> None:
    """Raises Missing for a link that was never made, Gone for a used one."""
    link = SetupLink.get_or_none(SetupLink.token_hash == fingerprint(token))
    if link is None:
        raise Missing("There is no such set-up link.")
    if link.used_at is not None or has_people():
        raise Gone(_USED)


def set_up(
    installation: Installation,
    *,
    token: str | None,
    name: str,
    email: str,
    password: str,
    tenant_name: str,
    ip: str | None = None,
) -> Actor:
    """The operator's account and the first tenant, in which they are owner.

    `token` None is the command line. Raises Gone for a used link and where there
    are people, Missing for an unknown link, Invalid by field: name, email,
    password, tenant.
    """
    if token is not None:
        check_setup_link(token)
    elif has_people():
        raise Gone("This installation has people already.")
    findings = words.Findings()
    shown = words.name(name, "name", findings, what="your name")
    address = words.email(email, findings)
    words.password(password, findings, around=(name, email, tenant_name))
    words.name(tenant_name, "tenant", findings, what="the tenant a name")
    findings.done()
    hashed = hash_password(password)
    with transaction():
        _take_turn(token)
        person = Person.create(
            name=shown, email=address, password_hash=hashed, is_operator=True
        )
        actor = Actor(installation=installation, person=person_ref(person), ip=ip)
        ref = tenants.add(actor, name=tenant_name)
        audit.record(actor, "user.set_up", subject_kind="user", subject_id=address)
        return tenants.enter(actor, ref.slug)


def sign_in(
    installation: Installation,
    *,
    email: str,
    password: str,
    ip: str | None,
    user_agent: str,
) -> SignedIn:
    """A new session. Raises Unauthenticated, TooMany.

    Whether there is such a person shows neither in the words nor in the time.
    """
    address = email.strip().lower()[:254]
    pair, here, account = _counters(address, ip)
    for counter, limit in ((pair, FAILURES), (here, OF_ADDRESS), (account, OF_ACCOUNT)):
        limits.spend(
            installation, counter, limit=limit, window_s=WINDOW_S, sentence=_TOO_MANY
        )
    person = Person.get_or_none(Person.email == address, Person.disabled_at.is_null())
    known = person.password_hash if person else DUMMY_HASH
    sound = verify_password(password[: words.LONGEST + 1], known)
    if person is None or not sound:
        _note_failure(installation, person, ip)
        raise Unauthenticated(_WRONG)
    with transaction():
        limits.forgive(pair, window_s=WINDOW_S)
        limits.give_back(here, window_s=WINDOW_S)
        limits.give_back(account, window_s=WINDOW_S)
        signed_in = begin(installation, person, ip=ip, user_agent=user_agent)
        audit.record(signed_in.actor, "user.signed_in")
    return signed_in


def change_password(actor: Actor, *, old: str, new: str) -> None:
    """One's own; it ends every other session. Raises Invalid by field: old, new."""
    if actor.person is None:
        raise Missing("Only a person has a password.")
    person = Person.get_by_id(actor.person.id)
    counter = f"password:{person.id}"
    limits.spend(
        actor.installation,
        counter,
        limit=FAILURES,
        window_s=WINDOW_S,
        sentence="Too many wrong passwords. Try again {when}.",
    )
    if not verify_password(old, person.password_hash):
        raise Invalid("old", "This is not your password.")
    limits.forgive(counter, window_s=WINDOW_S)
    findings = words.Findings()
    words.password(new, findings, around=(person.name, person.email), field="new")
    findings.done()
    hashed = hash_password(new)
    with transaction():
        Person.update(password_hash=hashed).where(Person.id == person.id).execute()
        revoke_others(actor) if actor.session_id else end_all(person.id)
        audit.record(actor, "user.password_changed")


def _take_turn(token: str | None) -> None:
    """The database decides a race of two set-ups: one row of this name."""
    try:
        with transaction():
            Note.create(name=_SET_UP, value=b"")
    except peewee.IntegrityError:
        raise Gone(_USED) from None
    if token is not None:
        SetupLink.update(used_at=now()).where(
            SetupLink.token_hash == fingerprint(token)
        ).execute()


def _counters(address: str, ip: str | None) -> tuple[str, str, str]:
    # The account's name is typed by a stranger: its fingerprint bounds the length.
    account, where = fingerprint(address)[:32], ip or "nowhere"
    return (
        f"sign-in:{account}:{where}",
        f"sign-in-from:{where}",
        f"sign-in-to:{account}",
    )


def _note_failure(
    installation: Installation, person: Person | None, ip: str | None
) -> None:
    """Kept only of people who exist: a stranger may have typed a password there."""
    if person is None:
        return
    actor = Actor(installation=installation, system="sign-in", ip=ip)
    audit.record(
        actor,
        "user.sign_in_failed",
        subject_kind="user",
        subject_id=person.public_id,
        detail={"email": person.email},
    )

"""Who may see a page: a blueprint lets in the signed-in alone unless it says so."""

from __future__ import annotations

from flask import Blueprint, g

from portal.errors import Fault, Unauthenticated
from portal.services import tenants
from portal.services.accounts import SignedIn
from portal.services.actor import Actor, Role
from portal.web import crossing, errors, sessions


def blueprint(name: str, import_name: str, *, open_to_all: bool = False) -> Blueprint:
    """A blueprint of pages: session, cross-site check and errors are in it."""
    made = Blueprint(name, import_name)
    made.before_request(sessions.resume)
    if not open_to_all:
        made.before_request(_require_sign_in)  # first: a lost session is no forgery
    made.before_request(crossing.check)
    made.register_error_handler(Fault, errors.answer_fault)
    return made


def signed_in() -> SignedIn:
    """Raises Unauthenticated, which leads to the sign-in page."""
    found: SignedIn | None = g.signed_in
    if found is None:
        raise Unauthenticated("Sign in to see this page.")
    return found


def visitor() -> Actor:
    """The signed-in person, not in any tenant yet."""
    return signed_in().actor


def tenant_actor(slug: str, role: Role = Role.VIEWER) -> Actor:
    """The signed-in person within a tenant.

    Raises Missing for a stranger and for a tenant that does not exist: the
    answer is the same. Raises Forbidden when the role is too small.
    """
    actor = tenants.enter(visitor(), slug)
    g.actor = actor
    actor.require(role)
    return actor


def _require_sign_in() -> None:
    signed_in()

"""The row of a kept access token: read, leased for one refresh, and written.

Everything here is a short transaction; nobody is asked while one is open.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from peewee import IntegrityError

from portal.crypto.seal import CannotOpen
from portal.delivery.grants import Grant, OAuth
from portal.delivery.tokens import Token, TokenRefusal
from portal.delivery.types import FailureKind
from portal.secret import Secret
from portal.services.senders.digesting import keyed
from portal.store.database import clock, transaction
from portal.store.fields import instant, micros
from portal.store.models import OAuthToken
from portal.store.vault import Vault

log = logging.getLogger(__name__)

FRESH_S = 120  # a token is not given away when it ends so soon
UNSAID_S = 300  # how long one is kept of which nobody said when it ends
PERMANENT_S, TEMPORARY_S = (60, 3600), (5, 60)  # the first pause and the longest
TABLE, COLUMN = "oauth_token", "sealed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which row, and what a question holds besides what the row began with."""

    tenant_id: int
    fingerprint: str
    asked_with: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to ask, for a while. `refresh_token` is the newest one known; None
    where it is still the one of the settings."""

    row_id: int
    by: str
    generation: int
    refresh_token: Secret | None = field(default=None, repr=False)


def place_of(vault: Vault, tenant_id: int, oauth: OAuth) -> Place:
    """Raises `Locked`.

    A refresh token goes through many hands: its row is found by the first one,
    whatever scope or client secret it is asked with now.
    """
    besides = [oauth.scope, oauth.subject or "", _text(oauth.client_secret)]
    began = [oauth.grant.value, oauth.token_url, oauth.client_id]
    if oauth.grant is Grant.REFRESH_TOKEN:
        began.append(_text(oauth.refresh_token))
    else:
        began += [*besides, _text(oauth.service_account)]
    return Place(
        tenant_id=tenant_id,
        fingerprint=keyed(vault, json.dumps(["token", tenant_id, began])),
        asked_with=keyed(vault, json.dumps(["asked with", tenant_id, besides])),
    )


def fresh(vault: Vault, place: Place, refused: Secret | None) -> Token | None:
    """The kept token, if it may still be given away; takes no lock."""
    row = _row(place)
    return _fresh(vault, row, place, refused) if row else None


def take(
    vault: Vault,
    place: Place,
    *,
    by: str,
    lease_s: float,
    refused: Secret | None,
    asks_again: bool,
) -> Token | TokenRefusal | Lease | None:
    """What is kept by now, or the right to ask; None while another one has it.

    `asks_again` does not wait after a refusal: a person repairs it just now.
    """
    row = _made(place)
    found = _fresh(vault, row, place, refused)
    if found:
        return found
    at = clock()
    refusal = None if asks_again else _resting(row, place, at)
    if refusal:
        return refusal
    until = at + timedelta(seconds=lease_s)
    # One far beyond any lease is a clock's doing; one a moment beyond ours is of
    # somebody who read the clock a moment later.
    is_free = (
        OAuthToken.refreshing_until.is_null()
        | (OAuthToken.refreshing_until <= at)
        | (OAuthToken.refreshing_until > until + timedelta(seconds=lease_s))
    )
    with transaction():
        taken = (
            OAuthToken.update(refreshing_by=by, refreshing_until=until)
            .where(
                OAuthToken.id == row.id,
                OAuthToken.generation == row.generation,
                OAuthToken.failures == row.failures,  # none was refused meanwhile
                is_free,
            )
            .execute()
        )
    if not taken:
        return None
    kept = _open(vault, row, place)
    return Lease(
        row_id=row.id,
        by=by,
        generation=row.generation,
        refresh_token=Secret(kept["refresh"]) if kept.get("refresh") else None,
    )


def keep(vault: Vault, place: Place, lease: Lease, token: Token) -> None:
    """The answer, a new refresh token too, durable before anybody uses it.

    It is kept even when the lease is over, unless a later answer is there already.
    """
    newest = token.refresh_token or lease.refresh_token
    plain = {
        "access": token.access.reveal(),
        "refresh": newest.reveal() if newest else None,
        "expires": micros(token.expires_at) if token.expires_at else None,
        "scope": token.scope,
        "claims": [list(each) for each in token.claims],
    }
    at = clock()
    sealed = vault.seal(json.dumps(plain), **_cell(place), version=lease.generation + 1)
    with transaction():
        OAuthToken.update(
            sealed=sealed,
            generation=lease.generation + 1,
            asked_with=place.asked_with,
            fresh_until=_fresh_until(token, at),
            refreshing_by=None,
            refreshing_until=None,
            failures=0,
            failed_at=None,
            failure=None,
        ).where(
            OAuthToken.id == lease.row_id, OAuthToken.generation == lease.generation
        ).execute()


def keep_refusal(place: Place, lease: Lease, refusal: TokenRefusal) -> bool:
    """False when another one has been answered meanwhile: theirs counts."""
    with transaction():
        kept = (
            OAuthToken.update(
                refreshing_by=None,
                refreshing_until=None,
                failures=OAuthToken.failures + 1,
                failed_at=clock(),
                failure=_refusal_json(refusal, place),
            )
            .where(
                OAuthToken.id == lease.row_id,
                OAuthToken.generation == lease.generation,
                OAuthToken.refreshing_by == lease.by,
            )
            .execute()
        )
    return bool(kept)


def forget(tenant_id: int, but: frozenset[str]) -> None:
    """Erase the tokens of a tenant, except the ones with these fingerprints."""
    OAuthToken.delete().where(
        OAuthToken.tenant == tenant_id, OAuthToken.fingerprint.not_in(but)
    ).execute()


def _row(place: Place) -> OAuthToken | None:
    found: OAuthToken | None = OAuthToken.get_or_none(
        OAuthToken.tenant == place.tenant_id,
        OAuthToken.fingerprint == place.fingerprint,
    )
    return found


def _made(place: Place) -> OAuthToken:
    """Of two that make it at once, the first one's stays."""
    row = _row(place)
    if row is not None:
        return row
    try:
        with transaction():
            return OAuthToken.create(
                tenant=place.tenant_id, fingerprint=place.fingerprint
            )
    except IntegrityError:
        return OAuthToken.get(
            OAuthToken.tenant == place.tenant_id,
            OAuthToken.fingerprint == place.fingerprint,
        )


def _fresh(
    vault: Vault, row: OAuthToken, place: Place, refused: Secret | None
) -> Token | None:
    if row.asked_with != place.asked_with or row.fresh_until is None:
        return None
    if row.fresh_until <= clock():
        return None
    plain = _open(vault, row, place)
    if not plain or (refused and Secret(plain["access"]) == refused):
        return None
    return Token(
        access=Secret(plain["access"]),
        expires_at=instant(plain["expires"]) if plain["expires"] else None,
        scope=plain["scope"],
        claims=tuple((name, value) for name, value in plain["claims"]),
        kept=True,
    )


def _fresh_until(token: Token, at: datetime) -> datetime:
    if token.expires_at is None:
        return at + timedelta(seconds=UNSAID_S)
    # One that lives shorter than the margin is still worth half of its life.
    left = token.expires_at - at
    return token.expires_at - min(timedelta(seconds=FRESH_S), left / 2)


def _resting(row: OAuthToken, place: Place, at: datetime) -> TokenRefusal | None:
    """The last refusal, while it is too early to ask the same again."""
    kept: Mapping[str, Any] | None = row.failure
    if kept is None or row.failed_at is None or kept["with"] != place.asked_with:
        return None
    found = TokenRefusal(
        kind=FailureKind(kept["kind"]),
        words=kept["words"],
        status=kept["status"],
        exception=kept["exception"],
        remedy=kept["remedy"],
    )
    first, longest = TEMPORARY_S if found.temporary else PERMANENT_S
    pause = timedelta(seconds=min(first * 2 ** min(row.failures - 1, 16), longest))
    return found if row.failed_at <= at < row.failed_at + pause else None


def _refusal_json(refusal: TokenRefusal, place: Place) -> dict[str, Any]:
    return {
        "kind": refusal.kind.value,
        "words": refusal.words,
        "status": refusal.status,
        "exception": refusal.exception,
        "remedy": refusal.remedy,
        "with": place.asked_with,
    }


def _open(vault: Vault, row: OAuthToken, place: Place) -> dict[str, Any]:
    """What is sealed in the row; empty where nothing is, or where it was altered:
    then it begins anew with what the sender has."""
    if row.sealed is None:
        return {}
    try:
        text = vault.open(bytes(row.sealed), **_cell(place), version=row.generation)
    except CannotOpen:
        log.error("a kept token does not open; the sender's own secret is used")
        return {}
    plain: dict[str, Any] = json.loads(text)
    return plain


def _cell(place: Place) -> dict[str, str]:
    return {
        "tenant": str(place.tenant_id),
        "table": TABLE,
        "column": COLUMN,
        "row": place.fingerprint,
    }


def _text(secret: Secret | None) -> str:
    return secret.reveal() if secret else ""

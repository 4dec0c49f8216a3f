"""A person's consent (RFC 6749 §4.1 with RFC 7636): asked for, and taken home.

The state is random, found again by its hash, good once, for 15 minutes and in the
browser session that began it. The refresh token that comes of it is lent to the
form, as the secrets of a live test are; nothing is saved before somebody saves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from portal.crypto.tokens import fingerprint, new_token
from portal.delivery.grants import Grant
from portal.delivery.oauth import TOKEN_S, Granted, exchange_code
from portal.delivery.reply import clean
from portal.delivery.tokens import TokenRefusal
from portal.delivery.types import Auth
from portal.errors import Gone, Invalid, Missing
from portal.secret import Secret
from portal.services import audit, tenants
from portal.services.actor import Actor, Role
from portal.services.senders.asking import consent_url
from portal.services.senders.checking import validate
from portal.services.senders.fields import (
    REFRESH_TOKEN,
    OAuthFields,
    SenderFields,
    stored_fields,
)
from portal.services.senders.finding import find, newest, stored
from portal.services.senders.making import oauth_of, token_net_of
from portal.services.senders.sealing import open_kept
from portal.services.senders.typed import Typed, lender, open_typed, seal_typed
from portal.services.testing.spending import spend_consent
from portal.store.database import transaction
from portal.store.fields import now
from portal.store.models import OAuthConsent, Sender, SenderVersion, Tenant, public_id

KEPT = timedelta(minutes=15)
# Sealed with the secrets and never lent: no field has such a name.
VERIFIER, REDIRECT_URI = "consent.verifier", "consent.redirect_uri"
GONE = "This consent was used already, or it is older than 15 minutes. Begin again."
NO_REFRESH = (
    "The provider gave no refresh token. Ask for lasting access (Microsoft: the scope"
    " offline_access; Google: revoke the earlier consent and begin again)."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """Where the person goes; `id` is what the form names meanwhile."""

    id: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Consented:
    """What came of it. `account` is who allowed it, as far as the provider says;
    `refusal` why nobody did. `settings` fill the form again."""

    id: str
    tenant_slug: str
    sender_id: str | None
    settings: Mapping[str, Any]
    account: str | None = None
    refusal: str | None = None


def begin(
    actor: Actor,
    *,
    values: Mapping[str, object],
    sender_id: str | None,
    typed_in: str | None,
    redirect_uri: str,
) -> Consent:
    """Keep what the form shows and say where to go. Raises Invalid by field, TooMany."""
    actor.require(Role.ADMIN)
    if actor.session_id is None or actor.person is None:
        raise Invalid("oauth.grant", "A consent is given in a browser.")
    version = newest(find(actor, sender_id)) if sender_id else None
    installation = actor.installation
    fields = validate(
        # A name is nothing that a provider sees.
        {**values, "name": values.get("name") or "Consent"},
        catalogue=installation.catalogue,
        settings=installation.settings,
        stored=stored(version) if version else None,
        lender=lender(actor, typed_in),
        consenting=True,
    )
    oauth = _asks_a_person(fields)
    spend_consent(actor, fields)
    kept = open_kept(installation.vault, fields, version)
    state, verifier = new_token(), new_token()
    typed = Typed(
        secrets={
            **kept,
            **fields.secrets,
            VERIFIER: Secret(verifier),
            REDIRECT_URI: Secret(redirect_uri),
        },
        typed=frozenset(fields.secrets),
        typed_until=now() + KEPT,
    )
    settings = {**fields.settings(), "name": values.get("name") or ""}
    row = _write(actor, state, settings, typed, version)
    provider = installation.catalogue.get(fields.provider)
    url = consent_url(oauth, provider, fields.mailbox, state, verifier, redirect_uri)
    return Consent(id=row.public_id, url=url)


def finish(
    actor: Actor,
    *,
    state: str,
    code: str | None,
    error: str | None,
    error_description: str | None,
) -> Consented:
    """What the provider's page sent the browser back with.

    Raises Missing for a state of another session or of nobody, Gone for one that
    was used; what the provider refuses is in the answer.
    """
    row = _use(actor, state)
    here = tenants.enter(actor, Tenant.get_by_id(row.tenant_id).slug)
    here.require(Role.ADMIN)
    sender = Sender.get_or_none(Sender.id == row.sender_id)
    found = Consented(
        id=row.public_id,
        tenant_slug=here.here.slug,
        sender_id=sender.public_id if sender else None,
        settings=row.settings,
    )
    if error or not code:
        told = f"{error or 'no code'}: {error_description or ''}".rstrip(": ")
        return replace(found, refusal=_line(told))
    answer = _exchange(here, row, code)
    if isinstance(answer, TokenRefusal):
        return replace(found, refusal=answer.words)
    if answer.token.refresh_token is None:
        return replace(found, refusal=NO_REFRESH)
    _keep(here, row, answer.token.refresh_token)
    _record(here, row, sender, answer.account)
    return replace(found, account=answer.account or "an account without a name")


def _write(
    actor: Actor,
    state: str,
    settings: dict[str, Any],
    typed: Typed,
    version: SenderVersion | None,
) -> OAuthConsent:
    row = OAuthConsent(
        public_id=public_id(),
        tenant=actor.here.id,
        sender=version.sender_id if version else None,
        person=actor.person.id if actor.person else None,
        session=actor.session_id,
        state_hash=fingerprint(state),
        settings=settings,
        expires_at=now() + KEPT,
    )
    row.sealed = seal_typed(actor.installation.vault, row, typed)
    with transaction():
        row.save(force_insert=True)
    return row


def _asks_a_person(fields: SenderFields) -> OAuthFields:
    oauth = fields.oauth
    if fields.auth is not Auth.OAUTH2 or oauth is None:
        raise Invalid("auth", "Only OAuth 2.0 asks a person for consent.")
    if oauth.grant is not Grant.REFRESH_TOKEN:
        raise Invalid("oauth.grant", "This grant asks nobody for consent.")
    if oauth.authorize_url is None:
        raise Invalid("oauth.authorize_url", "Where is a person asked for consent?")
    return oauth


def _use(actor: Actor, state: str) -> OAuthConsent:
    """The row of this state, used up by this very call."""
    row: OAuthConsent | None = OAuthConsent.get_or_none(
        OAuthConsent.state_hash == fingerprint(state),
        OAuthConsent.session == actor.session_id,
    )
    if row is None or actor.person is None or row.person_id != actor.person.id:
        raise Missing("There is no such consent in this browser session.")
    with transaction():
        used = (
            OAuthConsent.update(used_at=now())
            .where(
                OAuthConsent.id == row.id,
                OAuthConsent.used_at.is_null(),
                OAuthConsent.expires_at > now(),
            )
            .execute()
        )
    if not used:
        raise Gone(GONE)
    return row


def _exchange(actor: Actor, row: OAuthConsent, code: str) -> Granted | TokenRefusal:
    installation = actor.installation
    secrets = open_typed(installation.vault, row).secrets
    fields = stored_fields(row.settings, secrets=secrets)
    oauth = oauth_of(fields)
    if oauth is None:
        raise Gone(GONE)
    return asyncio.run(
        exchange_code(
            oauth,
            token_net_of(installation),
            code=Secret(code),
            redirect_uri=secrets[REDIRECT_URI].reveal(),
            verifier=secrets[VERIFIER],
            timeout_s=TOKEN_S,
            ca_pem=fields.ca,
        )
    )


def _keep(actor: Actor, row: OAuthConsent, refresh_token: Secret) -> None:
    """The refresh token is lent from now on, and the verifier is of no more use."""
    vault = actor.installation.vault
    before = open_typed(vault, row)
    secrets = {
        name: each
        for name, each in before.secrets.items()
        if name not in (VERIFIER, REDIRECT_URI)
    }
    typed = Typed(
        secrets={**secrets, REFRESH_TOKEN: refresh_token},
        typed=before.typed | {REFRESH_TOKEN},
        typed_until=now() + KEPT,
    )
    OAuthConsent.update(
        sealed=seal_typed(vault, row, typed), expires_at=now() + KEPT
    ).where(OAuthConsent.id == row.id).execute()


def _record(
    actor: Actor, row: OAuthConsent, sender: Sender | None, account: str | None
) -> None:
    oauth = row.settings["oauth"]
    with transaction():
        audit.record(
            actor,
            "sender.connected",
            subject_kind="sender" if sender else None,
            subject_id=sender.public_id if sender else None,
            detail={
                "name": sender.name if sender else row.settings["name"],
                "provider": row.settings["provider"],
                "client_id": oauth["client_id"],
                "token_url": oauth["token_url"],
                "account": account,
            },
        )


def _line(text: str) -> str:
    return " ".join(clean(text, ()).split())[:600]

"""OAuth settings for a token server of the tests, and questions to it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from portal.delivery.conversation import converse
from portal.delivery.grants import Grant, OAuth
from portal.delivery.oauth import FreshTokens, fetch
from portal.delivery.tokens import Token, TokenRefusal
from portal.delivery.types import Auth, Outcome, Stage, Step
from portal.net.open import OpenNet
from portal.secret import Secret
from tests.delivery.asking import CONTENT, PATIENT, envelope_to, relay_at
from tests.relays.tokens import TokenServer

SCOPE = "smtp.send"


def oauth_of(server: TokenServer, grant: str, **values) -> OAuth:
    """Settings that `server` takes, unless `values` say otherwise."""
    values.setdefault("token_url", server.token_url)
    values.setdefault("scope", SCOPE)
    if grant != Grant.JWT_BEARER:
        values.setdefault("client_id", server.client_id)
        if server.client_secret is not None:
            values.setdefault("client_secret", Secret(server.client_secret))
    if grant == Grant.REFRESH_TOKEN:
        values.setdefault("refresh_token", Secret(server.refresh_token()))
    if grant == Grant.JWT_BEARER:
        values.setdefault("service_account", Secret(server.key_file()))
        values.setdefault("subject", server.user)
    return OAuth(grant=Grant(grant), **values)


def ask(oauth: OAuth, net=None, **values) -> Token | TokenRefusal:
    values.setdefault("timeout_s", 10)
    values.setdefault("allow_http", True)
    return asyncio.run(fetch(oauth, net or OpenNet(), **values))


def secrets_of(oauth: OAuth) -> list[str]:
    """What nobody may see; of a key file its private key."""
    found = [oauth.client_secret, oauth.refresh_token, oauth.service_account]
    texts = [secret.reveal() for secret in found if secret]
    return [*texts, "PRIVATE KEY", "BEGIN PRIVATE"]


def tokens_of(server: TokenServer) -> FreshTokens:
    return FreshTokens(net=OpenNet(), allow_http=True)


@dataclass
class Keeper:
    """Keeps tokens in memory, as the engine does in its database."""

    fresh: FreshTokens
    kept: Secret | None = None
    refused: list[str] = field(default_factory=list)

    async def token(
        self, oauth: OAuth, *, timeout_s: float, refused: Secret | None = None
    ) -> Token | TokenRefusal:
        if refused is not None:
            self.refused.append(refused.reveal())
        elif self.kept is not None:
            return Token(access=self.kept, kept=True)
        answer = await self.fresh.token(oauth, timeout_s=timeout_s)
        if isinstance(answer, Token):
            self.kept = answer.access
        return answer


def signing_in(relay, authority, oauth, **values):
    values.setdefault("username", "kim@peer.example")
    return relay_at(
        relay,
        "starttls",
        auth=Auth.OAUTH2,
        oauth=oauth,
        password=None,
        ca_pem=authority.pem,
        **values,
    )


def submit(relay, tokens, **values) -> Outcome:
    return asyncio.run(
        converse(
            relay,
            OpenNet(),
            envelope_to(),
            CONTENT,
            lambda step: None,
            limits=PATIENT,
            tokens=tokens,
            **values,
        )
    )


def step(outcome: Outcome, stage: Stage) -> Step:
    return next(each for each in outcome.steps if each.stage is stage)

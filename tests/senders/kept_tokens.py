"""Short ways to ask for kept tokens, and to let their time pass."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from portal.delivery.grants import OAuth
from portal.delivery.tokens import Token, TokenRefusal
from portal.services.senders.tokens import KeptTokens
from portal.store.fields import now
from portal.store.models import OAuthToken


def ask(
    tokens: KeptTokens, oauth: OAuth, *, timeout_s: float = 30, **more: Any
) -> Token | TokenRefusal:
    return asyncio.run(tokens.token(oauth, timeout_s=timeout_s, **more))


def access(found: Token | TokenRefusal) -> str:
    assert isinstance(found, Token), found
    return found.access.reveal()


def ended(**changes: Any) -> None:
    """Let the time of the kept token be over."""
    OAuthToken.update(fresh_until=now() - timedelta(seconds=1), **changes).execute()


def failed_before(seconds: float) -> None:
    OAuthToken.update(failed_at=now() - timedelta(seconds=seconds)).execute()

"""Access tokens on their way to AUTH: what is granted, refused, and by whom."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from portal.delivery.grants import OAuth
from portal.delivery.types import FailureKind
from portal.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One access token and what may be told of it; the token itself never is.

    `refresh_token` is a new one that replaces the one it was got with (RFC 6749
    §6), None where that stays. `claims` are read from a JWT without trusting it:
    audience, scopes, tenant, for people alone. `kept` says that it was not asked
    for now, so that a refusal of it is worth one more question.
    """

    access: Secret = field(repr=False)
    expires_at: datetime | None = None
    scope: str | None = None
    refresh_token: Secret | None = field(default=None, repr=False)
    claims: tuple[tuple[str, str], ...] = ()
    kept: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRefusal:
    """No token. `status` is the HTTP status where there was an answer; `words` hold
    its error and description (RFC 6749 §5.2), cleaned; `remedy` as NetFailure has it.
    """

    kind: FailureKind
    words: str
    status: int | None = None
    exception: str | None = None
    remedy: str | None = None

    @property
    def temporary(self) -> bool:
        """Worth asking again: the net, a time-out, 429 or a server's own fault."""
        if self.status is None:
            return self.kind is not FailureKind.REFUSED_BY_US
        return self.status == 429 or self.status >= 500


class Tokens(Protocol):
    """Where a conversation gets its access token from.

    The shell and tests of unsaved settings ask the end point each time; the engine
    keeps tokens, and lets one process at a time refresh them.
    """

    async def token(
        self, oauth: OAuth, *, timeout_s: float, refused: Secret | None = None
    ) -> Token | TokenRefusal:
        """`refused` is a token that the relay has just answered with 535: one that
        was kept is not given again."""
        ...

"""The stages oauth_token and auth: what a connection needs before it takes mail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from portal.delivery import signin
from portal.delivery.extensions import Extensions
from portal.delivery.granted import EXCEPTION, given
from portal.delivery.ladder import Ladder
from portal.delivery.oauth import TOKEN_S
from portal.delivery.reply import first_line
from portal.delivery.talk import Talk
from portal.delivery.tokens import Token, TokenRefusal, Tokens
from portal.delivery.trouble import Trouble
from portal.delivery.types import Auth, Failure, Relay, Stage
from portal.secret import Secret

_REFUSED = 535  # RFC 4954 §6: the credentials are wrong, or the token has expired
_GRACE_S = 1.0


@dataclass(slots=True)
class Admission:
    """`run` ends with a relay that let us in, or in Trouble."""

    relay: Relay
    talk: Talk
    ladder: Ladder
    tokens: Tokens | None

    async def run(self, offered: Extensions) -> None:
        mechanism = self._choose(offered)
        if mechanism is None:
            self.ladder.begin(Stage.AUTH, "Nothing is sent.")
            self.ladder.passed(
                "The relay offers no EXTERNAL: our certificate is all that it gets."
            )
        elif self.relay.auth is Auth.OAUTH2:
            await self._by_token(mechanism)
        else:
            self.ladder.begin(Stage.AUTH, "Signing in.")
            await self._sign_in(mechanism, None)

    def _choose(self, offered: Extensions) -> str | None:
        """Before a token is asked for: one that cannot be used is not asked for."""
        over_tls = self.talk.connected.over_tls is not None
        try:
            return signin.choose(self.relay, offered, over_tls=over_tls)
        except Trouble:
            self.ladder.begin(Stage.AUTH, "Signing in.")
            raise

    async def _by_token(self, mechanism: str) -> None:
        """A token that was kept may be refused: then another one is asked for, once."""
        token = await self._token()
        self.ladder.begin(Stage.AUTH, "Signing in.")
        try:
            await self._sign_in(mechanism, token.access)
        except Trouble as trouble:
            if not self._may_ask_again(token, trouble):
                raise
            await self._sign_in_again(mechanism, token, trouble)

    async def _sign_in_again(
        self, mechanism: str, refused: Token, trouble: Trouble
    ) -> None:
        self.ladder.failed(
            Failure(
                stage=Stage.AUTH,
                kind=trouble.kind,
                words=trouble.words,
                reply=trouble.reply,
            )
        )
        token = await self._token(refused.access)
        self.ladder.begin(Stage.AUTH, "Signing in with a new token.")
        client = self.talk.client
        if token.access == refused.access or client is None or not client.is_quiet:
            raise trouble
        await self._sign_in(mechanism, token.access)

    def _may_ask_again(self, token: Token, trouble: Trouble) -> bool:
        reply = trouble.reply
        return (
            token.kept
            and self.tokens is not None
            and reply is not None
            and reply.code == _REFUSED
        )

    async def _sign_in(self, mechanism: str, token: Secret | None) -> None:
        reply = await signin.sign_in(self.relay, mechanism, self.talk, token)
        said = f"{first_line(reply)}, by {mechanism}"
        self.ladder.passed(said, reply, mechanism)

    async def _token(self, refused: Secret | None = None) -> Token:
        """The stage of the token. With `refused` it is gone through again."""
        relay = self.relay
        self.ladder.begin(Stage.OAUTH_TOKEN, "Asking for an access token.")
        if refused is None and relay.access_token is not None:
            token = given(relay.access_token, kept=relay.oauth is not None)
            self.ladder.passed(
                f"The given token is used{_told(token)}", None, _all(token)
            )
            return token
        answer = await self._ask(refused)
        if isinstance(answer, TokenRefusal):
            raise Trouble(
                answer.kind,
                answer.words,
                exception=answer.exception or EXCEPTION,
                remedy=answer.remedy,
            )
        said = "The kept token is used" if answer.kept else "HTTP 200: a token"
        self.ladder.passed(f"{said}{_told(answer)}", None, _all(answer))
        return answer

    async def _ask(self, refused: Secret | None) -> Token | TokenRefusal:
        oauth = self.relay.oauth
        if oauth is None or self.tokens is None:
            raise Trouble.ours("There is no access token and no way to get one.")
        limit_s = self.talk.patience(min(TOKEN_S, self.talk.limits.command_s))
        async with self.talk.within(limit_s + _GRACE_S):
            return await self.tokens.token(oauth, timeout_s=limit_s, refused=refused)


def _told(token: Token) -> str:
    """` for https://outlook.office365.com, scope SMTP.Send, until 12 Mar 2027 …`."""
    claims = dict(token.claims)
    words = f" for {claims['audience']}" if "audience" in claims else ""
    scope = token.scope or claims.get("scope") or claims.get("roles")
    if scope:
        words += f", scope {scope}"
    if token.expires_at is not None:
        words += f", until {_moment(token.expires_at)}"
    return words


def _all(token: Token) -> str | None:
    """What a JWT says of itself, for whoever compares: nobody has checked it."""
    return "; ".join(f"{name} {value}" for name, value in token.claims) or None


def _moment(moment: datetime) -> str:
    return f"{moment.day} {moment:%b %Y %H:%M} UTC"

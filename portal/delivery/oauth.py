"""Asking a token end point for an access token (RFC 6749): three grants."""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import quote, quote_plus

from portal.delivery.granted import account_in, read_answer
from portal.delivery.grants import Grant, OAuth
from portal.delivery.service_account import (
    BadServiceAccount,
    assertion,
    read_service_account,
)
from portal.delivery.tokens import Token, TokenRefusal
from portal.delivery.trouble import Trouble
from portal.delivery.types import FailureKind
from portal.net.https import BadUrl, HttpAnswer, parse_url, post_form
from portal.net.types import Net, NetFailure
from portal.secret import Secret

TOKEN_S = 10.0  # the patience with a token end point, whatever is left of the whole
_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"  # RFC 7523 §2.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """A consent's token, and whose it is as far as the end point says."""

    token: Token
    account: str | None = None


async def fetch(
    oauth: OAuth,
    net: Net,
    *,
    timeout_s: float,
    ca_pem: str | None = None,
    allow_http: bool = False,
) -> Token | TokenRefusal:
    """Asks once. `allow_http` is for the operator's own shell."""
    try:
        question = _question(oauth, allow_http=allow_http)
    except (_Unfit, BadServiceAccount) as error:
        return TokenRefusal(kind=FailureKind.REFUSED_BY_US, words=str(error))
    answer = await question.put(net, timeout_s, ca_pem, allow_http)
    if isinstance(answer, NetFailure):
        return _unreached(answer)
    return read_answer(answer, secrets=question.secrets, now=datetime.now(UTC))


async def exchange_code(
    oauth: OAuth,
    net: Net,
    *,
    code: Secret,
    redirect_uri: str,
    verifier: Secret,
    timeout_s: float,
    ca_pem: str | None = None,
) -> Granted | TokenRefusal:
    """What a person's consent is worth (RFC 6749 §4.1.3, RFC 7636 §4.5)."""
    given = {
        "grant_type": "authorization_code",
        "client_id": oauth.client_id,
        "client_secret": _revealed(oauth.client_secret),
        "code": code.reveal(),
        "redirect_uri": redirect_uri,
        "code_verifier": verifier.reveal(),
    }
    question = _Question(
        url=oauth.token_url, fields={name: each for name, each in given.items() if each}
    )
    answer = await question.put(net, timeout_s, ca_pem, False)
    if isinstance(answer, NetFailure):
        return _unreached(answer)
    found = read_answer(answer, secrets=question.secrets, now=datetime.now(UTC))
    if isinstance(found, TokenRefusal):
        return found
    return Granted(token=found, account=account_in(answer, secrets=question.secrets))


@dataclass(slots=True, kw_only=True)
class FreshTokens:
    """Asks each time and keeps nothing but a refresh token that replaced ours, which
    the one before it no longer works without (RFC 6749 §6)."""

    net: Net
    ca_pem: str | None = None
    allow_http: bool = False
    rotated: Secret | None = field(default=None, repr=False)

    async def token(
        self, oauth: OAuth, *, timeout_s: float, refused: Secret | None = None
    ) -> Token | TokenRefusal:
        if self.rotated is not None:
            oauth = replace(oauth, refresh_token=self.rotated)
        answer = await fetch(
            oauth,
            self.net,
            timeout_s=timeout_s,
            ca_pem=self.ca_pem,
            allow_http=self.allow_http,
        )
        if isinstance(answer, Token):
            self.rotated = answer.refresh_token or self.rotated
        return answer


class _Unfit(Exception):
    """A setting is missing; the text says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    url: str
    fields: dict[str, str] = field(repr=False)
    authorization: str | None = field(default=None, repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What an answer could quote, in the forms in which it was sent."""
        names = (
            *("client_secret", "refresh_token", "assertion"),
            *("code", "code_verifier"),
        )
        plain = [self.fields[name] for name in names if self.fields.get(name)]
        return tuple(dict.fromkeys([*plain, *map(quote_plus, plain), self._basic_pair]))

    async def put(
        self, net: Net, timeout_s: float, ca_pem: str | None, allow_http: bool
    ) -> HttpAnswer | NetFailure:
        end = time.monotonic() + min(timeout_s, TOKEN_S)
        answer = await self.ask(net, end, ca_pem, allow_http)
        if isinstance(answer, HttpAnswer) and self.may_be_basic(answer):
            answer = await self.as_basic().ask(net, end, ca_pem, allow_http)
        return answer

    async def ask(
        self, net: Net, end: float, ca_pem: str | None, allow_http: bool
    ) -> HttpAnswer | NetFailure:
        return await post_form(
            net,
            self.url,
            self.fields,
            timeout_s=max(0.0, end - time.monotonic()),
            ca_pem=ca_pem,
            allow_http=allow_http,
            authorization=self.authorization,
        )

    def may_be_basic(self, answer: HttpAnswer) -> bool:
        """The secret goes in the form, as Microsoft and Google document it. An end
        point that wants it as Basic says so (RFC 6749 §2.3.1, §5.2)."""
        challenge = answer.header("www-authenticate").lower()
        return (
            answer.status == 401
            and "client_secret" in self.fields
            and any(part.lstrip().startswith("basic") for part in challenge.split(","))
        )

    def as_basic(self) -> _Question:
        hidden = ("client_id", "client_secret")
        return _Question(
            url=self.url,
            fields={k: v for k, v in self.fields.items() if k not in hidden},
            authorization=f"Basic {self._basic_pair}",
        )

    @property
    def _basic_pair(self) -> str:
        names = ("client_id", "client_secret")
        # `%20` for a space: servers that take no `+` for one read it too.
        pair = ":".join(quote(self.fields.get(name, ""), safe="") for name in names)
        return base64.b64encode(pair.encode()).decode()


def _question(oauth: OAuth, *, allow_http: bool) -> _Question:
    if oauth.grant is Grant.JWT_BEARER:
        return _by_assertion(oauth, allow_http=allow_http)
    _demand_url(oauth.token_url, allow_http=allow_http)
    secret = _revealed(oauth.client_secret)
    fields = {"client_id": oauth.client_id, "client_secret": secret}
    if oauth.grant is Grant.REFRESH_TOKEN:
        refresh_token = _revealed(oauth.refresh_token)
        if not refresh_token:
            raise _Unfit("There is no refresh token: connect the mailbox first.")
        fields["refresh_token"] = refresh_token
    elif not oauth.client_id or not secret:
        raise _Unfit("Client credentials need a client id and a client secret.")
    fields["scope"] = oauth.scope
    return _Question(
        url=oauth.token_url,
        fields={"grant_type": oauth.grant.value}
        | {name: value for name, value in fields.items() if value},
    )


def _by_assertion(oauth: OAuth, *, allow_http: bool) -> _Question:
    """Without a token URL of its own the file names where to ask."""
    account = read_service_account(_revealed(oauth.service_account))
    url = oauth.token_url or account.token_uri
    _demand_url(url, allow_http=allow_http)
    if not oauth.scope:
        raise _Unfit("A service account needs a scope to ask for.")
    signed = assertion(
        account,
        audience=url,
        scope=oauth.scope,
        subject=oauth.subject,
        now=datetime.now(UTC),
    )
    fields = {"grant_type": _JWT_BEARER, "assertion": signed.reveal()}
    return _Question(url=url, fields=fields)


def _demand_url(url: str, *, allow_http: bool) -> None:
    try:
        parse_url(url, allow_http=allow_http)
    except BadUrl as error:
        raise _Unfit(f"The token URL cannot be used. {error}") from error


def _revealed(secret: Secret | None) -> str:
    return secret.reveal() if secret else ""


def _unreached(failure: NetFailure) -> TokenRefusal:
    trouble = Trouble.of_net(failure)
    return TokenRefusal(
        kind=trouble.kind,
        words=f"The token end point was not reached. {failure.words}",
        exception=failure.exception,
        remedy=failure.remedy,
    )

"""What a token server knows: its client, the tokens it gave, and who may have more."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from tests.relays import jwt

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class Refused(Exception):
    """`error` and `error_description` of RFC 6749 §5.2."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error, self.description, self.status = error, description, status


@dataclass
class Issued:
    """One access token. `good` turns False by `revoke` or `expire`."""

    user: str
    scope: str
    expires_at: float
    revoked: bool = False

    @property
    def good(self) -> bool:
        return not self.revoked and time.time() < self.expires_at


@dataclass
class Code:
    """One authorization code, good once, with what it is bound to (RFC 7636)."""

    redirect_uri: str
    challenge: str
    scope: str
    user: str


@dataclass
class Granting:
    """Change its fields at will: the next request is judged by them."""

    client_id: str = "portal-client"
    client_secret: str | None = "hush client secret"  # None: a public client
    user: str = "kim@peer.example"  # who signs in, and whose tokens these are
    scopes: frozenset[str] = frozenset()  # known ones; empty: all are
    audience: str = "https://outlook.office365.com"
    lifetime_s: int = 3600
    rotates: bool = False  # each refresh replaces the refresh token
    opaque: bool = False  # access tokens are no JWT
    robot: str = "robot@project.iam.gserviceaccount.com"
    issued: dict[str, Issued] = field(default_factory=dict)
    refresh_tokens: dict[str, str] = field(default_factory=dict)  # token: its scope
    codes: dict[str, Code] = field(default_factory=dict)
    key: rsa.RSAPrivateKey = field(default_factory=jwt.shared_key, repr=False)

    def refresh_token(self, scope: str = "smtp.send offline_access") -> str:
        """A new one, as a consent of last week would have left it."""
        token = f"refresh-{secrets.token_urlsafe(24)}"
        self.refresh_tokens[token] = scope
        return token

    def access_token(self, *, user: str | None = None, scope: str = "smtp.send") -> str:
        """A good one, got without asking."""
        name, expires = user or self.user, int(time.time()) + self.lifetime_s
        claims = {
            "aud": self.audience,
            "iss": "https://sts.peer.example/tenant/",
            "tid": "tenant",
            "appid": self.client_id,
            "upn": name,
            "scp": scope,
            "exp": expires,
            "jti": secrets.token_hex(8),
        }
        token = secrets.token_urlsafe(32)
        if not self.opaque:
            token = jwt.signed(claims, self.key)
        self.issued[token] = Issued(name, scope, expires)
        return token

    def revoke(self) -> None:
        """No access token given so far is taken any more."""
        for each in self.issued.values():
            each.revoked = True

    def user_of(self, token: str) -> str | None:
        """Whose it is, while it is good."""
        found = self.issued.get(token)
        return found.user if found and found.good else None

    def service_account(self, token_url: str) -> str:
        """A Google key file whose assertions this server takes."""
        return json.dumps(
            {
                "type": "service_account",
                "project_id": "project",
                "private_key_id": "kid-1",
                "private_key": jwt.pem_of(self.key),
                "client_email": self.robot,
                "client_id": "1234567890",
                "token_uri": token_url,
            }
        )

    def grant(
        self, fields: Mapping[str, str], basic: tuple[str, str] | None, token_url: str
    ) -> dict[str, Any]:
        """The answer to POST /token; Refused where there is none."""
        kind = fields.get("grant_type", "")
        if kind == JWT_BEARER:
            return self._by_assertion(fields.get("assertion", ""), token_url)
        self._check_client(fields, basic)
        if kind == "client_credentials":
            return self._answer(self._known(fields.get("scope", "")), self.user)
        if kind == "refresh_token":
            return self._refreshed(fields)
        if kind == "authorization_code":
            return self._by_code(fields)
        raise Refused("unsupported_grant_type", f"AADSTS70003: {kind} is unsupported.")

    def _check_client(
        self, fields: Mapping[str, str], basic: tuple[str, str] | None
    ) -> None:
        client, secret = basic or (fields.get("client_id"), fields.get("client_secret"))
        if client != self.client_id:
            raise Refused(
                "unauthorized_client",
                f"AADSTS700016: Application with identifier '{client}' was not found"
                " in the directory 'Peer'.",
            )
        if self.client_secret is not None and secret != self.client_secret:
            raise Refused(
                "invalid_client",
                "AADSTS7000215: Invalid client secret provided. Ensure the secret being"
                " sent in the request is the client secret value, not the client secret"
                f" ID, for a secret added to app '{client}'.",
                401,
            )

    def _known(self, scope: str) -> str:
        unknown = set(scope.split()) - self.scopes if self.scopes else set()
        if unknown:
            raise Refused(
                "invalid_scope",
                f"AADSTS70011: The provided value for the input parameter 'scope' is not"
                f" valid. The scope {' '.join(sorted(unknown))} is not valid.",
            )
        return scope

    def _refreshed(self, fields: Mapping[str, str]) -> dict[str, Any]:
        old = fields.get("refresh_token", "")
        if old not in self.refresh_tokens:
            raise Refused(
                "invalid_grant",
                "AADSTS700082: The refresh token has expired due to inactivity.",
            )
        scope = self._known(fields.get("scope") or self.refresh_tokens[old])
        new = None
        if self.rotates:
            del self.refresh_tokens[old]
            new = self.refresh_token(scope)
        return self._answer(scope, self.user, new)

    def _by_code(self, fields: Mapping[str, str]) -> dict[str, Any]:
        code = self.codes.pop(fields.get("code", ""), None)
        if code is None:
            raise Refused(
                "invalid_grant", "AADSTS54005: The code was already redeemed."
            )
        if fields.get("redirect_uri") != code.redirect_uri:
            raise Refused("invalid_grant", "AADSTS50011: The redirect URI differs.")
        verifier = fields.get("code_verifier", "").encode()
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier).digest())
        if not hmac.compare_digest(digest.rstrip(b"=").decode(), code.challenge):
            raise Refused("invalid_grant", "AADSTS501481: The code verifier differs.")
        return self._answer(code.scope, code.user, self.refresh_token(code.scope))

    def _by_assertion(self, assertion: str, token_url: str) -> dict[str, Any]:
        """RFC 7523 §3, in the words of Google."""
        try:
            claims = jwt.verified(assertion, self.key.public_key())
        except ValueError as error:
            raise Refused("invalid_grant", str(error)) from None
        now = time.time()
        lasts = claims.get("exp", 0) - claims.get("iat", 0)
        if claims.get("iss") != self.robot:
            raise Refused("invalid_grant", "Invalid issuer: Not a service account.")
        if claims.get("aud") != token_url:
            raise Refused("invalid_grant", "Invalid JWT: Failed audience check.")
        if not (claims.get("iat", 0) <= now + 60 and now < claims.get("exp", 0)):
            raise Refused("invalid_grant", "Invalid JWT: Token must be short-lived.")
        if lasts > 3600:
            raise Refused(
                "invalid_grant", "Invalid JWT: iat and exp are too far apart."
            )
        if not claims.get("scope"):
            raise Refused("invalid_scope", "Invalid OAuth scope or ID token audience.")
        if claims.get("sub") not in (None, self.user):
            raise Refused(
                "unauthorized_client",
                "Client is unauthorized to retrieve access tokens using this method, or"
                " client not authorized for any of the scopes requested.",
                401,
            )
        scope = self._known(str(claims["scope"]))
        return self._answer(scope, str(claims.get("sub") or self.robot))

    def _answer(
        self, scope: str, user: str, refresh_token: str | None = None
    ) -> dict[str, Any]:
        found = {
            "token_type": "Bearer",
            "expires_in": self.lifetime_s,
            "scope": scope,
            "access_token": self.access_token(user=user, scope=scope),
        }
        return found | ({"refresh_token": refresh_token} if refresh_token else {})

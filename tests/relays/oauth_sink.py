"""A well-behaved relay that takes access tokens and client certificates.

    server = token_server()
    relay = oauth_sink(tokens=server, starttls=authority.contexts["good"])

- XOAUTH2 and OAUTHBEARER (RFC 7628): a token that `tokens` gave, still good, of the
  user named, with `scope` among its scopes. Otherwise 334 with the reason as base64
  JSON, as Google and Microsoft have it, and 535 5.7.3 after the client's answer.
- EXTERNAL (RFC 4422): the certificate's common name is looked up in `certificates`;
  an authorization identity must be that user. Serve it with a context that asks:
  `authority.contexts["asks"]` or `["demands"]`.
- `mechanisms` is what EHLO offers; PLAIN and LOGIN look into `users`, as in `Sink`.
- `relay.log_ons`: each try as (user, mechanism); `relay.reasons`: each challenge.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiosmtpd.smtp import MISSING, SMTP, AuthResult

from tests.relays.granting import Granting
from tests.relays.sink import Sink

_BUILT_IN = ("PLAIN", "LOGIN")
_OURS = ("XOAUTH2", "OAUTHBEARER", "EXTERNAL")
_LINE = 12288  # RFC 4954 §4: octets of an AUTH command


class _Wide(SMTP):
    """Tokens are longer than a command of aiosmtpd may be."""

    line_length_limit = 16384


@dataclass
class OAuthSink(Sink):
    tokens: Granting | None = None
    scope: str = ""
    certificates: Mapping[str, str] = field(default_factory=dict)
    mechanisms: tuple[str, ...] = ("XOAUTH2", "OAUTHBEARER")
    reasons: list[dict[str, str]] = field(default_factory=list)

    def _protocol(self) -> SMTP:
        hidden = set(_BUILT_IN + _OURS) - set(self.mechanisms)
        protocol = _Wide(
            self,
            hostname="sink.test",
            enable_SMTPUTF8=True,
            data_size_limit=self.max_bytes or None,
            tls_context=self.starttls,
            authenticator=self._authenticate,
            auth_require_tls=not self.clear_auth and self.tls is None,
            auth_exclude_mechanism=hidden,
        )
        protocol.command_size_limits = defaultdict(lambda: _LINE)
        self._protocols.append(protocol)
        return protocol

    async def handle_MAIL(self, server, session, envelope, address, options) -> str:
        if not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:
        said = await self._first(server, args)
        found = re.fullmatch("user=([^\1]*)\1auth=Bearer ([^\1]*)\1\1", said)
        return await self._bearer(server, "XOAUTH2", found)

    async def auth_OAUTHBEARER(self, server: SMTP, args: list[str]) -> AuthResult:
        """RFC 7628 §3.1: the GS2 header names the user, host and port may follow."""
        said = await self._first(server, args)
        found = re.fullmatch(
            "n,a=([^,]*),\1(?:host=[^\1]+\1)?(?:port=[0-9]+\1)?auth=Bearer ([^\1]*)\1\1",
            said,
        )
        return await self._bearer(server, "OAUTHBEARER", found)

    async def auth_EXTERNAL(self, server: SMTP, args: list[str]) -> AuthResult:
        wanted = "" if args[1:] == ["="] else await self._first(server, args)
        user = self._certified(server)
        self.log_ons.append((wanted or user or "", "EXTERNAL"))
        good = user is not None and wanted in ("", user)
        return AuthResult(success=good, handled=False, auth_data=user)

    async def _first(self, server: SMTP, args: list[str]) -> str:
        """The initial response, asked for where it did not come along."""
        if len(args) == 1:
            answer = await server.challenge_auth("")
            return "" if answer is MISSING else answer.decode()
        try:
            return base64.b64decode(args[1], validate=True).decode()
        except (binascii.Error, ValueError):
            return ""

    async def _bearer(
        self, server: SMTP, mechanism: str, found: re.Match[str] | None
    ) -> AuthResult:
        if found is None:
            message = "501 5.5.2 Cannot decode the response"
            return AuthResult(success=False, handled=False, message=message)
        user, token = found[1].replace("=2C", ",").replace("=3D", "="), found[2]
        self.log_ons.append((user, mechanism))
        reason = self._why_not(user, token)
        if reason is None:
            return AuthResult(success=True, handled=False, auth_data=user)
        self.reasons.append(reason)
        if await server.challenge_auth(json.dumps(reason)) is MISSING:
            return AuthResult(success=False, handled=True)
        message = "535 5.7.3 Authentication unsuccessful"
        return AuthResult(success=False, handled=False, message=message)

    def _why_not(self, user: str, token: str) -> dict[str, str] | None:
        assert self.tokens is not None, "OAuthSink(tokens=…) gives no token"
        issued = self.tokens.issued.get(token)
        scopes = issued.scope.split() if issued and issued.good else []
        if issued is None or not issued.good or issued.user != user:
            return {"status": "401", "schemes": "bearer", "scope": self.scope}
        if self.scope and self.scope not in scopes:
            return {
                "status": "insufficient_scope",
                "schemes": "bearer",
                "scope": self.scope,
            }
        return None

    def _certified(self, server: SMTP) -> str | None:
        """The user of the certificate that the client showed."""
        assert server.transport is not None
        shown = server.transport.get_extra_info("peercert") or {}
        names = {
            key: value for (pair,) in shown.get("subject", ()) for key, value in [pair]
        }
        return self.certificates.get(names.get("commonName", ""))

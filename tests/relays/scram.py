"""A relay that does SCRAM (RFC 5802): the server's side is scramp's.

    relay = stack.enter_context(ScramSink(users={"kim": "secret"}, tls=…))

- `mechanism`: SCRAM-SHA-256 or SCRAM-SHA-1, the only one offered.
- `ends`: "proves" sends its proof as RFC 4954 §4 has it; "silent" lets in without it;
  "explains" answers a wrong proof with `e=…` before the 535.
"""

from __future__ import annotations

from dataclasses import dataclass

from aiosmtpd.smtp import MISSING, SMTP, AuthResult
from scramp import ScramException, ScramMechanism

from tests.relays.oauth_sink import OAuthSink


@dataclass
class ScramSink(OAuthSink):
    mechanism: str = "SCRAM-SHA-256"
    ends: str = "proves"

    def _protocol(self) -> SMTP:
        self.mechanisms = (self.mechanism,)
        protocol = super()._protocol()
        for name in ("SCRAM-SHA-256", "SCRAM-SHA-1"):
            if name != self.mechanism:
                protocol._auth_methods.pop(name, None)
        return protocol

    async def auth_SCRAM__SHA__256(self, server: SMTP, args: list[str]) -> AuthResult:
        return await self._scram(server, args)

    async def auth_SCRAM__SHA__1(self, server: SMTP, args: list[str]) -> AuthResult:
        return await self._scram(server, args)

    async def _scram(self, server: SMTP, args: list[str]) -> AuthResult:
        mechanism = ScramMechanism(self.mechanism)
        known = {
            user: mechanism.make_auth_info(password)
            for user, password in self.users.items()
        }
        names: list[str] = []

        def look_up(user: str) -> tuple[bytes, bytes, bytes, int] | None:
            names.append(user)
            return known.get(user)

        exchange = mechanism.make_server(look_up)
        try:
            exchange.set_client_first(await self._first(server, args))
            answer = await server.challenge_auth(exchange.get_server_first())
            if answer is MISSING:
                return AuthResult(success=False, handled=True)
            exchange.set_client_final(answer.decode())
        except ScramException:
            self.log_ons.append((names[0] if names else "", self.mechanism))
            if self.ends == "explains":
                await server.challenge_auth(exchange.get_server_final())
            return AuthResult(success=False, handled=False)
        self.log_ons.append((names[0], self.mechanism))
        if self.ends != "silent":
            await server.challenge_auth(exchange.get_server_final())
        return AuthResult(success=True, handled=False, auth_data=names[0])

"""From a host name to a relay that let us in: the stages dns to auth."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass, field, replace

from portal.delivery import tls
from portal.delivery.admission import Admission
from portal.delivery.extensions import Extensions, extensions_of
from portal.delivery.ladder import Ladder
from portal.delivery.reply import first_line
from portal.delivery.talk import Talk
from portal.delivery.tokens import Tokens
from portal.delivery.trouble import Trouble
from portal.delivery.types import (
    Auth,
    Facts,
    FailureKind,
    Relay,
    Reply,
    Security,
    Stage,
)
from portal.delivery.wire import Client
from portal.net.dial import first_to_answer
from portal.net.sockets import where
from portal.net.types import Found, Net, NetFailure

_TOLD = frozenset({"STARTTLS", "AUTH", "SIZE", "SMTPUTF8"})
_UNKNOWN_COMMAND = (500, 502)  # RFC 5321 §4.1.4: then HELO is worth a try


@dataclass(slots=True)
class Opening:
    """`run` ends with a session that takes MAIL, or in Trouble."""

    relay: Relay
    net: Net
    talk: Talk
    ladder: Ladder
    tokens: Tokens | None = None  # for OAuth 2.0
    facts: Facts = field(default_factory=Facts)
    offered: Extensions = field(default_factory=Extensions)
    name: str = ""

    async def run(self) -> None:
        found = await self._find()
        connected = await self._connect(found)
        await self._take(connected)
        await self._greet()
        await self._introduce()
        if self.relay.security is Security.STARTTLS:
            await self._start_tls()
        if self.relay.auth is not Auth.NONE:
            admission = Admission(self.relay, self.talk, self.ladder, self.tokens)
            await admission.run(self.offered)

    async def _find(self) -> Found:
        relay = self.relay
        self.ladder.begin(Stage.DNS, f"Looking up {relay.host}.")
        limit_s = self.talk.patience(self.talk.limits.dns_s)
        found = await self.net.find(relay.host, relay.port, timeout_s=limit_s)
        if isinstance(found, NetFailure):
            raise Trouble.of_net(found)
        self.name = found.host
        self.ladder.passed(_resolved(found))
        return found

    async def _connect(self, found: Found) -> socket.socket:
        """Every address of the host, each with its share of the patience."""
        self.ladder.begin(Stage.CONNECT, f"Connecting to port {self.relay.port}.")
        connected = await first_to_answer(
            self.net,
            found,
            self.relay.port,
            timeout_s=self.talk.patience(self.talk.limits.connect_s),
            local_address=self.relay.local_address,
        )
        if isinstance(connected, NetFailure):
            raise Trouble.of_net(connected)
        made, address = connected
        self.facts = replace(self.facts, address=str(address))
        self.ladder.passed(where(address, self.relay.port))
        return made

    async def _take(self, connected: socket.socket) -> None:
        """The socket becomes a client; with implicit TLS after its handshake."""
        limit_s = self.talk.limits.tls_s
        client = Client(self.name)
        try:
            context = self._begin_tls()
        except BaseException:
            connected.close()
            raise
        async with self.talk.within(limit_s):
            await client.take(connected, context, limit_s)
        self.talk.client = client
        if context is not None:
            self._learn_tls()
            self._passed_tls()

    def _begin_tls(self) -> ssl.SSLContext | None:
        if self.relay.security is not Security.TLS:
            return None
        self.ladder.begin(Stage.TLS, "Starting TLS.")
        return self._context()

    def _context(self) -> ssl.SSLContext:
        """Whoever signs in with nothing shows no certificate either."""
        relay = self.relay
        if relay.auth is Auth.NONE:
            return tls.context_of(relay.ca_pem)
        return tls.context_of(relay.ca_pem, relay.client_cert, relay.client_key)

    async def _greet(self) -> None:
        self.ladder.begin(Stage.BANNER, "Waiting for the greeting.")
        try:
            reply = await self.talk.listen(self.talk.limits.banner_s)
        except Trouble as trouble:
            if self._is_about_certificates(trouble):
                self.ladder.falls_back(Stage.TLS)
            raise
        _demand_2yz(reply, "the connection")
        self.ladder.passed(first_line(reply), reply)

    async def _introduce(self) -> None:
        self.ladder.begin(Stage.EHLO, f"EHLO {self.relay.ehlo_name} is sent.")
        reply = await self._ehlo()
        kept = [line for line in self.offered.lines if line.split(" ")[0] in _TOLD]
        offers = f"; offers {', '.join(kept)}" if kept else ""
        self.ladder.passed(f"{first_line(reply)}{offers}", reply)

    async def _ehlo(self) -> Reply:
        """RFC 5321 §4.1.1.1; HELO for a relay from before 1995."""
        name = self.relay.ehlo_name.encode()
        reply = await self.talk.ask(b"EHLO", name)
        if reply.code in _UNKNOWN_COMMAND:
            self._demand_nothing_of_ehlo(reply)
            reply = await self.talk.ask(b"HELO", name)
            _demand_2yz(reply, "HELO")
            self._learn("")
            return reply
        _demand_2yz(reply, "EHLO")
        self._learn(self.talk.raw)
        return reply

    def _demand_nothing_of_ehlo(self, reply: Reply) -> None:
        """HELO leads to mail, but neither to TLS nor to AUTH."""
        needs = []
        if self.relay.security is Security.STARTTLS:
            needs.append("STARTTLS")
        if self.relay.auth not in (Auth.NONE, Auth.CLIENT_CERT):
            needs.append("AUTH")
        if needs:
            raise Trouble(
                FailureKind.REPLY,
                f"{reply} (without EHLO there is no {' and no '.join(needs)})",
                reply=reply,
            )

    def _learn(self, raw: str) -> None:
        self.offered = extensions_of(raw)
        self.facts = replace(self.facts, ehlo=self.offered.lines)

    async def _start_tls(self) -> None:
        """RFC 3207. Without it we end: no credential, no mail in clear."""
        self.ladder.begin(Stage.STARTTLS, "STARTTLS is sent.")
        if "STARTTLS" not in self.offered:
            raise Trouble.ours("The relay does not offer STARTTLS.")
        context = self._context()
        reply = await self.talk.ask(b"STARTTLS")
        _demand_2yz(reply, "STARTTLS")
        if not self.talk.connected.is_quiet:
            # RFC 3207 §5: plaintext behind the 220 could be somebody else's.
            raise Trouble(
                FailureKind.PROTOCOL,
                "The relay sent more than its answer to STARTTLS, in clear: somebody"
                " may be in the line. The connection was dropped.",
                reply=reply,
            )
        limit_s = self.talk.limits.tls_s
        async with self.talk.within(limit_s):
            await self.talk.connected.encrypt(context, limit_s)
        self._learn_tls()
        try:
            await self._ehlo()  # RFC 3207 §4.2: what was said before TLS is forgotten
        except Trouble as trouble:
            self._is_about_certificates(trouble)
            raise
        self._passed_tls(reply)

    def _is_about_certificates(self, trouble: Trouble) -> bool:
        """In TLS 1.3 a server judges our certificate, or its absence, after we are
        done with the handshake (RFC 8446 §4.4.2.4): the first word after it tells."""
        if trouble.kind is FailureKind.TLS:
            return self.facts.tls is not None
        judged_late = self.facts.tls is not None and self.facts.tls.version == "TLSv1.3"
        if trouble.kind is not FailureKind.CLOSED or not judged_late:
            return False
        if self.relay.client_cert is not None and self.relay.auth is not Auth.NONE:
            trouble.words += " It may not accept our client certificate."
            return True
        if self.ladder.stage is Stage.STARTTLS:
            trouble.words += " It may want a client certificate."
        return False

    def _learn_tls(self) -> None:
        connection = self.talk.connected.over_tls
        if connection is None:
            raise Trouble(FailureKind.CLOSED, "The relay closed the connection.")
        self.facts = replace(self.facts, tls=tls.facts_of(connection))

    def _passed_tls(self, reply: Reply | None = None) -> None:
        if self.facts.tls is not None:
            self.ladder.passed(tls.sentence(self.facts.tls, self.name), reply)


def _demand_2yz(reply: Reply, what: str) -> None:
    if 200 <= reply.code < 300:
        return
    if not reply.positive:
        raise Trouble.of_reply(reply)
    raise Trouble(
        FailureKind.PROTOCOL, f"The relay answered {what} with {reply}", reply=reply
    )


def _resolved(found: Found) -> str:
    """`smtp.example.org is 192.0.2.53 and 2001:db8:25::53`."""
    shown = [str(address) for address in found.addresses]
    if shown == [found.host]:
        return f"{found.host} is an address"
    *front, last = shown
    return (
        f"{found.host} is {', '.join(front)} and {last}"
        if front
        else (f"{found.host} is {last}")
    )

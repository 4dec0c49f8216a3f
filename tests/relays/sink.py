"""A well-behaved relay: aiosmtpd, with TLS and sign-in as a test asks for them."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass(frozen=True)
class Received:
    """One mail as it arrived."""

    mail_from: str
    recipients: tuple[str, ...]
    content: bytes
    over_tls: bool
    user: str | None
    helo: str


@dataclass
class Sink:
    """`users` asks for sign-in; `refuse` and `defer` are recipients it will not
    take; `starttls` and `tls` are server contexts. Use it in a `with`."""

    users: Mapping[str, str] = field(default_factory=dict)
    starttls: ssl.SSLContext | None = None
    tls: ssl.SSLContext | None = None
    refuse: frozenset[str] = frozenset()
    defer: frozenset[str] = frozenset()
    max_bytes: int = 0
    clear_auth: bool = False
    host: str = "127.0.0.1"
    port: int = 0
    mails: list[Received] = field(default_factory=list)
    log_ons: list[tuple[str, str]] = field(default_factory=list)  # user, mechanism
    _protocols: list[SMTP] = field(default_factory=list, repr=False)

    def __enter__(self) -> Sink:
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def _run(self, ready: threading.Event) -> None:
        async def serve() -> None:
            self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
            server = await self._loop.create_server(
                self._protocol, self.host, self.port, ssl=self.tls
            )
            self.port = server.sockets[0].getsockname()[1]
            ready.set()
            await self._stop.wait()
            # A connection that is just being accepted breaks on a closed server.
            await asyncio.sleep(0.02)
            server.close()
            while len(asyncio.all_tasks()) > 1 or self._is_connected():
                for protocol in self._protocols:
                    if protocol.transport is not None:
                        protocol.transport.abort()
                await asyncio.sleep(0.01)

        asyncio.run(serve())

    def _is_connected(self) -> bool:
        return any(
            protocol.transport is not None and not protocol.transport.is_closing()
            for protocol in self._protocols
        )

    def _protocol(self) -> SMTP:
        protocol = SMTP(
            self,
            hostname="sink.test",
            enable_SMTPUTF8=True,
            data_size_limit=self.max_bytes or None,
            tls_context=self.starttls,
            authenticator=self._authenticate if self.users else None,
            auth_require_tls=not self.clear_auth and self.tls is None,
        )
        self._protocols.append(protocol)
        return protocol

    async def handle_MAIL(self, server, session, envelope, address, options) -> str:
        if self.users and not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    def _authenticate(self, server, session, envelope, mechanism, data) -> AuthResult:
        if not isinstance(data, LoginPassword):
            return AuthResult(success=False, handled=False)
        user, password = data.login.decode(), data.password.decode()
        self.log_ons.append((user, mechanism))
        good = self.users.get(user) == password
        return AuthResult(success=good, handled=False, auth_data=user)

    async def handle_RCPT(self, server, session, envelope, address, options) -> str:
        if address in self.refuse:
            return "550 5.1.1 No such mailbox here"
        if address in self.defer:
            return "450 4.2.1 Try again later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        content = envelope.original_content
        assert isinstance(content, bytes)
        self.mails.append(
            Received(
                mail_from=envelope.mail_from or "",
                recipients=tuple(envelope.rcpt_tos),
                content=content,
                over_tls=session.ssl is not None or self.tls is not None,
                user=session.auth_data if session.authenticated else None,
                helo=session.host_name or "",
            )
        )
        return f"250 2.0.0 OK queued as {len(self.mails)}"

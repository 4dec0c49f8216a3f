"""The relay of the walk: STARTTLS under an own authority, one user, one door shut."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.serving import free_port

HOST = "smtp.acme.example"
USER, PASSWORD = "app@acme.example", "a correct password"
NOBODY = "nobody@example.com"


@dataclass
class Relay:
    """Takes mail from `USER` after STARTTLS, for everybody but `NOBODY`."""

    port: int
    ca_pem: str
    mail: list[Message] = field(default_factory=list)
    _news: threading.Condition = field(default_factory=threading.Condition)

    async def handle_RCPT(
        self, server: SMTP, session: Session, mail: Envelope, to: str, options: list
    ) -> str:
        if to == NOBODY:
            return f"550 5.1.1 <{to}>: user unknown"
        mail.rcpt_tos.append(to)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, mail: Envelope) -> str:
        with self._news:
            self.mail.append(message_from_bytes(mail.content or b""))
            self._news.notify_all()
        return "250 2.0.0 Ok: queued as E2E"

    def wait(self, subject: str) -> Message:
        def arrived() -> list[Message]:
            return [each for each in self.mail if each["Subject"] == subject]

        with self._news:
            assert self._news.wait_for(arrived, 20), f"{subject} did not arrive"
            return arrived()[0]


@contextmanager
def relaying(port: int | None = None) -> Iterator[Relay]:
    """On a free port of loopback, or on the one given."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(HOST).configure_cert(context)
    port = port or free_port()
    relay = Relay(port=port, ca_pem=authority.cert_pem.bytes().decode())
    controller = Controller(
        relay,
        hostname="127.0.0.1",
        port=port,
        server_hostname=HOST,
        ident="ESMTP",
        tls_context=context,
        require_starttls=True,
        auth_required=True,
        authenticator=_knows,
    )
    controller.start()
    try:
        yield relay
    finally:
        controller.stop()


def _knows(
    server: SMTP, session: Session, mail: Envelope, mechanism: str, given: object
) -> AuthResult:
    right = (USER.encode(), PASSWORD.encode())
    known = isinstance(given, LoginPassword) and (given.login, given.password) == right
    return AuthResult(success=known, handled=False)

"""A real token server on loopback: http or, with a certificate of the tests, https.

`token_server()` gives one on http, `token_server(tls=authority.contexts["good"])`
one on https: trust `authority.pem`. Its host is 127.0.0.1; its addresses are
`token_url`, `authorize_url` and `introspect_url`.

    server = token_server(scopes=frozenset({"smtp.send"}), rotates=True)
    OAuth(grant=Grant.CLIENT_CREDENTIALS, token_url=server.token_url,
          client_id=server.client_id, client_secret=Secret(server.client_secret), …)
    OAuth(grant=Grant.REFRESH_TOKEN, refresh_token=Secret(server.refresh_token()), …)
    OAuth(grant=Grant.JWT_BEARER, subject=server.user,
          service_account=Secret(server.key_file()), …)

- The fields and methods of `Granting` (client, scopes, `rotates`, `opaque`,
  `lifetime_s`, `access_token()`, `revoke()`, `user_of()`) are the server's own too.
- POST /token: client_credentials, refresh_token, jwt-bearer (signature, iss, aud,
  exp, scope, sub), authorization_code with PKCE S256; the client's secret in the
  form or as Basic. GET /authorize: a page with “Allow” and “Deny” for a browser,
  which goes back with `code` or `error=access_denied`, and `state`; only
  `redirect_uris` are served when some are named. /introspect: RFC 7662, for Dovecot.
- `server.will_say(WRONG_SECRET, THROTTLED)`: the next answers of /token, in order;
  `server.always_says = BROKEN`: each one. Answers of your own are `Says(…)`.
- `server.asked`: every POST /token as its fields; `server.seen`: every request.
  `server.gate.clear()` lets requests of /token wait until `gate.set()`;
  `server.waiting(2)` returns once so many do; `server.most_at_once`: how many did.
- What it gives is taken by `OAuthSink(tokens=server)` of tests/relays/oauth_sink.py.
"""

from __future__ import annotations

import base64
import json
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import socket
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.relays import consenting
from tests.relays.granting import Granting, Refused

PATIENCE_S = 30


@dataclass(frozen=True, kw_only=True)
class Says:
    """An answer as it is. `late`: only once the server is closed."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    late: bool = False


def error(name: str, description: str, status: int = 400, **headers: str) -> Says:
    """RFC 6749 §5.2; a header's underscores stand for hyphens."""
    body = json.dumps({"error": name, "error_description": description}).encode()
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return Says(status=status, body=body, headers=named)


WRONG_SECRET = error(
    "invalid_client", "AADSTS7000215: Invalid client secret provided.", 401
)
EXPIRED_SECRET = error(
    "invalid_client", "AADSTS7000222: The provided client secret keys are expired.", 401
)
NO_CONSENT = error(
    "invalid_grant", "AADSTS65001: The user or administrator has not consented."
)
INVALID_GRANT = error("invalid_grant", "Token has been expired or revoked.")
THROTTLED = error("temporarily_unavailable", "Slow down.", 429, Retry_After="30")
BROKEN = Says(status=500, body=b"", content_type="text/plain")
HTML = Says(body=b"<html><h1>Welcome to nginx!</h1></html>", content_type="text/html")
NOT_FOUND = Says(status=404, body=b"<h1>404</h1>", content_type="text/html")
SLOW = Says(body=b'{"access_token": "late", "expires_in": 3600}', late=True)
HUGE = Says(body=b'{"access_token": "' + b"x" * 200_000 + b'"}')
REDIRECT = Says(status=302, headers={"Location": "http://127.0.0.1:1/token"})
NO_TOKEN = Says(body=b'{"token_type": "Bearer"}')


@dataclass(frozen=True)
class Seen:
    """One request as it came, and what it was answered."""

    method: str
    path: str
    fields: Mapping[str, str]
    headers: Mapping[str, str]
    status: int


@dataclass
class TokenServer(Granting):
    """Use it in a `with`, or ask for the fixture `token_server`."""

    tls: ssl.SSLContext | None = None
    redirect_uris: frozenset[str] = frozenset()
    always_says: Says | None = None
    seen: list[Seen] = field(default_factory=list)
    most_at_once: int = 0
    gate: threading.Event = field(default_factory=threading.Event)
    _next: list[Says] = field(default_factory=list)
    _inside: int = 0
    _change: threading.Condition = field(default_factory=threading.Condition)

    def __enter__(self) -> TokenServer:
        self.gate.set()
        self.closing = threading.Event()
        self._http = _Server(self)
        self.port: int = self._http.server_address[1]
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self.gate.set()
        self._http.shutdown()
        self._thread.join(PATIENCE_S)
        self._http.server_close()

    @property
    def base(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def token_url(self) -> str:
        return f"{self.base}/token"

    @property
    def authorize_url(self) -> str:
        return f"{self.base}/authorize"

    @property
    def introspect_url(self) -> str:
        return f"{self.base}/introspect"

    @property
    def asked(self) -> list[Mapping[str, str]]:
        """The fields of each POST /token, the refused ones too."""
        return [each.fields for each in self.seen if each.path == "/token"]

    def key_file(self) -> str:
        """The JSON of a service account whose assertions are taken here."""
        return self.service_account(self.token_url)

    def will_say(self, *answers: Says) -> None:
        self._next.extend(answers)

    def waiting(self, count: int) -> None:
        """Returns once `count` requests are inside, held by the gate."""
        with self._change:
            enough = self._change.wait_for(lambda: self._inside >= count, PATIENCE_S)
        assert enough, f"{self._inside} requests came, not {count}"

    def answer(self, fields: Mapping[str, str], basic: tuple[str, str] | None) -> Says:
        """POST /token, as many at a time as there are."""
        with self._change:
            self._inside += 1
            self.most_at_once = max(self.most_at_once, self._inside)
            self._change.notify_all()
        try:
            self.gate.wait(PATIENCE_S)
            with self._change:
                scripted = self._next.pop(0) if self._next else self.always_says
                if scripted is None:
                    return self._granted(fields, basic)
            if scripted.late:
                self.closing.wait(PATIENCE_S)
            return scripted
        finally:
            with self._change:
                self._inside -= 1

    def _granted(
        self, fields: Mapping[str, str], basic: tuple[str, str] | None
    ) -> Says:
        try:
            granted = self.grant(fields, basic, self.token_url)
        except Refused as refused:
            return error(refused.error, refused.description, refused.status)
        return Says(body=json.dumps(granted).encode())

    def introspected(self, token: str) -> Says:
        """RFC 7662 §2.2."""
        user = self.user_of(token)
        found: dict[str, Any] = {"active": False}
        if user is not None:
            issued = self.issued[token]
            found = {
                "active": True,
                "username": user,
                "scope": issued.scope,
                "client_id": self.client_id,
                "exp": int(issued.expires_at),
            }
        return Says(body=json.dumps(found).encode())


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True

    def __init__(self, owner: TokenServer) -> None:
        self.owner = owner
        super().__init__(("127.0.0.1", 0), _Handler)

    def get_request(self) -> tuple[socket, Any]:
        connection, address = super().get_request()
        connection.settimeout(PATIENCE_S)
        if self.owner.tls is not None:  # the handshake waits for the thread's read
            connection = self.owner.tls.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        return connection, address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever leaves early, or does not trust us, is no fault of a test."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self._serve({})

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        self._serve(_fields(self.rfile.read(length).decode()))

    def log_message(self, *_: object) -> None:
        """The tests read `seen`."""

    def _serve(self, form: dict[str, str]) -> None:
        address = urlsplit(self.path)
        fields = _fields(address.query) | form
        says = self._answer(address.path, fields)
        owner = self.server.owner
        headers = dict(self.headers.items())
        owner.seen.append(
            Seen(self.command, address.path, fields, headers, says.status)
        )
        self.send_response(says.status)
        self.send_header("Content-Type", says.content_type)
        self.send_header("Content-Length", str(len(says.body)))
        for name, value in says.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(says.body)

    def _answer(self, path: str, fields: dict[str, str]) -> Says:
        owner = self.server.owner
        if path == "/token" and self.command == "POST":
            return owner.answer(fields, self._basic())
        if path == "/introspect":
            bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
            return owner.introspected(fields.get("token") or bearer)
        if path == "/authorize":
            return _page(*consenting.answer(owner, self.command, fields))
        return NOT_FOUND

    def _basic(self) -> tuple[str, str] | None:
        """RFC 6749 §2.3.1: both parts are form-encoded first."""
        kind, _, value = self.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "basic":
            return None
        client, _, secret = base64.b64decode(value).decode().partition(":")
        return unquote(client), unquote(secret)


def _page(status: int, text: str, location: str | None) -> Says:
    headers = {"Location": location} if location else {}
    return Says(
        status=status,
        body=text.encode(),
        content_type="text/html; charset=utf-8",
        headers=headers,
    )


def _fields(query: str) -> dict[str, str]:
    return dict(parse_qsl(query, keep_blank_values=True))

"""What a trusted proxy says of the client: address, scheme and host, nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import TYPE_CHECKING

from portal.address import is_address

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Network = IPv4Network | IPv6Network


class TrustedProxies:
    """WSGI middleware. Headers of anybody outside the networks are ignored.

    werkzeug's ProxyFix counts hops; it believes whoever connects.
    """

    def __init__(self, app: WSGIApplication, networks: tuple[Network, ...]) -> None:
        self._app = app
        self._networks = networks

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        peer = environ.get("REMOTE_ADDR", "")
        if self._trusts(peer):
            environ["REMOTE_ADDR"] = self._client(
                peer, environ.get("HTTP_X_FORWARDED_FOR", "")
            )
            scheme = _last(environ.get("HTTP_X_FORWARDED_PROTO", ""))
            if scheme in ("http", "https"):
                environ["wsgi.url_scheme"] = scheme
            if host := _last(environ.get("HTTP_X_FORWARDED_HOST", "")):
                environ["HTTP_HOST"] = host
        return self._app(environ, start_response)

    def _client(self, peer: str, forwarded: str) -> str:
        """The nearest address that is no proxy of ours, read from the right: what
        stands left of it was written by somebody we do not know."""
        client = peer
        for each in reversed([part.strip() for part in forwarded.split(",")]):
            if not is_address(each):
                break
            client = each
            if not self._trusts(each):
                break
        return client

    def _trusts(self, text: str) -> bool:
        if not is_address(text):
            return False
        address = ip_address(text)
        return any(address in network for network in self._networks)


def _last(header: str) -> str:
    return header.rpartition(",")[2].strip()

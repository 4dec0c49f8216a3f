"""One question over HTTPS: to the judged address, once, and no longer than it must.

No redirect is followed, no proxy of the environment asked, no compression taken.
The protocol is h11's (`http`); the connection is ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlencode, urlsplit

from portal.address import BadAddress, parse_host
from portal.net.dial import first_to_answer
from portal.net.http_types import HttpAnswer, HttpRequest, NoHttp
from portal.net.trust import context_trusting
from portal.net.types import Net, NetFailure, NetTrouble

__all__ = ["BadUrl", "HttpAnswer", "Url", "get", "parse_url", "post_form"]

_PATH = re.compile(r"[!-~]*")  # visible ASCII: what RFC 3986 §2 leaves of a URL
_CLOSE_S = 1.0
_PORTS = {"https": 443, "http": 80}


class BadUrl(ValueError):
    """Text that is no address to ask; `str()` is one sentence for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Url:
    """`host` as `parse_host` spells it, `target` the path and the query."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"


def parse_url(text: str, *, allow_http: bool = False) -> Url:
    """Raises BadUrl."""
    scheme, _, rest = text.partition("://")
    scheme = scheme.lower()
    if scheme != "https" and not (allow_http and scheme == "http"):
        raise BadUrl("The address must begin with https://.")
    if not rest or not _PATH.fullmatch(text) or "#" in text or "\\" in text:
        raise BadUrl("The address holds a character that no URL has.")
    try:
        parts = urlsplit(text)
        port = parts.port
        host = parse_host(parts.hostname or "")
    except BadAddress as error:
        raise BadUrl(f"The address names no host: {error}") from error
    except ValueError as error:
        raise BadUrl("The address cannot be read as a URL.") from error
    if "@" in parts.netloc:
        raise BadUrl("The address may not hold a user name or a password.")
    if port == 0:
        raise BadUrl("A port is a number from 1 to 65535.")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Url(scheme=scheme, host=host, port=port or _PORTS[scheme], target=target)


async def post_form(
    net: Net,
    url: str,
    fields: Mapping[str, str],
    *,
    timeout_s: float,
    ca_pem: str | None = None,
    allow_http: bool = False,
    authorization: str | None = None,
) -> HttpAnswer | NetFailure:
    """POSTs a form. A redirect is an answer like another; `timeout_s` is for all.

    The answer ends at 64 KB. Its words, and those of a failure, are the other
    side's: hostile until they are cleaned.
    """
    body = urlencode(fields).encode("ascii")
    return await _asked(
        net,
        url,
        lambda place: _post(place, body, authorization),
        timeout_s=timeout_s,
        ca_pem=ca_pem,
        allow_http=allow_http,
    )


async def get(
    net: Net, url: str, *, timeout_s: float, ca_pem: str | None = None
) -> HttpAnswer | NetFailure:
    """GETs a document over HTTPS, within the same limits."""
    return await _asked(
        net,
        url,
        _get,
        timeout_s=timeout_s,
        ca_pem=ca_pem,
    )


async def _asked(
    net: Net,
    url: str,
    request: Callable[[Url], HttpRequest],
    *,
    timeout_s: float,
    ca_pem: str | None,
    allow_http: bool = False,
) -> HttpAnswer | NetFailure:
    try:
        place = parse_url(url, allow_http=allow_http)
    except BadUrl as error:
        return NetFailure(trouble=NetTrouble.OTHER, words=str(error))
    try:
        async with asyncio.timeout(timeout_s):
            return await _exchange(net, place, request(place), ca_pem, timeout_s)
    except TimeoutError:
        return NetFailure(
            trouble=NetTrouble.TIMED_OUT,
            words=f"{place.authority} did not answer in {timeout_s:.3g} s: timed out.",
            exception="TimeoutError",
        )


def _post(place: Url, body: bytes, authorization: str | None) -> HttpRequest:
    headers = [
        ("Host", place.authority),
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Content-Length", str(len(body))),
        ("Accept", "application/json"),
        ("Accept-Encoding", "identity"),
        ("Connection", "close"),
    ]
    if authorization is not None:
        headers.append(("Authorization", authorization))
    return HttpRequest(
        method="POST", target=place.target, headers=tuple(headers), body=body
    )


def _get(place: Url) -> HttpRequest:
    headers = (
        ("Host", place.authority),
        ("Accept-Encoding", "identity"),
        ("Connection", "close"),
    )
    return HttpRequest(method="GET", target=place.target, headers=headers)


async def _exchange(
    net: Net, place: Url, request: HttpRequest, ca_pem: str | None, timeout_s: float
) -> HttpAnswer | NetFailure:
    # Here, as h11 takes long to import and most processes ask no web server.
    from portal.net import http

    found = await net.find(place.host, place.port, timeout_s=timeout_s / 2)
    if isinstance(found, NetFailure):
        return found
    dialled = await first_to_answer(net, found, place.port, timeout_s=timeout_s / 2)
    if isinstance(dialled, NetFailure):
        return dialled
    connected, _ = dialled
    try:
        context = None if place.scheme == "http" else _context(ca_pem)
        reader, writer = await asyncio.open_connection(
            sock=connected,
            ssl=context,
            server_hostname=found.host if context else None,
        )
    except BaseException as error:
        connected.close()
        if isinstance(error, OSError | ValueError):
            return _of_tls(place, error)
        raise
    try:
        return await http.ask(reader, writer, request)
    except NoHttp as error:
        return _no_http(place, str(error))
    except ssl.SSLError as error:
        return _of_tls(place, error)
    except OSError as error:
        return _no_http(place, str(error), type(error).__name__)
    finally:
        writer.transport.abort()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(_CLOSE_S):
                await writer.wait_closed()


@lru_cache(maxsize=16)
def _context(ca_pem: str | None) -> ssl.SSLContext:
    return context_trusting(ca_pem)


def _of_tls(place: Url, error: OSError | ValueError) -> NetFailure:
    named = "ssl." if isinstance(error, ssl.SSLError) else ""
    return NetFailure(
        trouble=NetTrouble.TLS,
        words=f"TLS was not established with {place.authority}: {error}.",
        exception=f"{named}{type(error).__name__}",
    )


def _no_http(place: Url, words: str, exception: str | None = None) -> NetFailure:
    return NetFailure(
        trouble=NetTrouble.PROTOCOL,
        words=f"{place.authority} did not answer as a web server does: {words}.",
        exception=exception,
    )

"""A request and an answer of HTTP, without the library that writes and reads them."""

from __future__ import annotations

from dataclasses import dataclass


class NoHttp(Exception):
    """The other side does not speak HTTP; the text says what it did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """`target` is the path and the query."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """What came back, whatever its status; the names of `headers` in lower case."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()

    def header(self, name: str) -> str:
        """All values of one header field, joined; empty where there is none."""
        return ", ".join(value for key, value in self.headers if key == name)

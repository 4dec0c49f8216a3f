"""What a receiver found out, as it wrote it down: Authentication-Results (RFC 8601)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from portal.mail.received.comments import parted, pieces

MOST_RESULTS = 50
_METHOD = re.compile(
    r"([a-z][\w-]{0,40})(?:\s*/\s*\d+)?\s*=\s*([a-z]{1,20})\b", re.IGNORECASE
)
_PROPERTY = re.compile(
    r"(?:(\w{1,20})\s*\.\s*)?([\w-]{1,40})\s*=\s*"
    r'((?:"(?:[^"\\]|\\.){0,500}"|[^\s;"]){1,500})'
)
_ENVELOPE = ("smtp.mailfrom", "smtp.mail")  # the latter as Yandex calls it


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """`dkim=pass header.d=shop.example`: `properties` by `ptype.name`, in small
    letters, the first of two counts."""

    method: str
    result: str
    properties: dict[str, str]

    @property
    def domain(self) -> str | None:
        """Whose mail it is about: of a signature, of the envelope, of From."""
        for name in _DOMAINS.get(self.method, ()):
            value = self.properties.get(name, "")
            found = value.rpartition("@")[2].strip('<>"').rstrip(".").lower()
            if found:
                return found
        return None

    @property
    def is_of_envelope(self) -> bool:
        """Of SPF: for the reverse-path, and not for what the relay calls itself."""
        return any(self.properties.get(name, "").strip("<>") for name in _ENVELOPE)

    @property
    def selector(self) -> str | None:
        return self.properties.get("header.s")


_DOMAINS = {
    "dkim": ("header.d", "header.i"),
    "spf": (*_ENVELOPE, "smtp.helo"),
    "dmarc": ("header.from",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """`by` is the server's name for itself, empty where it gives none (Outlook)."""

    by: str
    results: tuple[Result, ...]


def results(text: str) -> Results:
    """Of the value of one field. Never raises: what cannot be read is left out."""
    first, *rest = pieces(parted(text).words)
    if "=" in first:
        by, rest = "", [first, *rest]
    else:
        by = first.split()[0].strip('"').rstrip(".").lower() if first.split() else ""
    found = (_result(piece) for piece in rest[:MOST_RESULTS])
    return Results(by=by, results=tuple(each for each in found if each))


def _result(piece: str) -> Result | None:
    method = _METHOD.match(piece)
    if method is None:
        return None
    properties: dict[str, str] = {}
    for kind, name, value in _PROPERTY.findall(piece[method.end() :]):
        key = f"{kind}.{name}".lower() if kind else name.lower()
        properties.setdefault(key, value.strip('"'))
    return Result(
        method=method[1].lower(), result=method[2].lower(), properties=properties
    )

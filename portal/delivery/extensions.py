"""What a relay offers in its answer to EHLO (RFC 5321 §4.1.1.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from portal.delivery.reply import clean


@dataclass(frozen=True, slots=True)
class Extensions:
    """Keywords in upper case with their parameters, in the order offered."""

    lines: tuple[str, ...] = ()
    _keywords: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Asked for with each mail, and the same as long as the connection lasts.
        keywords = frozenset(line.split(" ")[0] for line in self.lines)
        object.__setattr__(self, "_keywords", keywords)

    def __contains__(self, keyword: str) -> bool:
        return keyword in self._keywords

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """AUTH in both spellings: `AUTH PLAIN`, and `AUTH=PLAIN` of old servers."""
        found = [
            word
            for line in self.lines
            if line.split(" ")[0] == "AUTH" or line.startswith("AUTH=")
            for word in re.split("[ =]", line.upper())[1:]
        ]
        return tuple(dict.fromkeys(filter(None, found)))

    @property
    def max_bytes(self) -> int | None:
        """The limit of RFC 1870; None if there is none or it is not told."""
        if "SIZE" not in self:
            return None
        for line in self.lines:
            match = re.fullmatch(r"SIZE ([0-9]{1,15})", line)
            if match:
                return int(match[1]) or None
        return None


def extensions_of(raw: str) -> Extensions:
    """`raw` is the whole reply; its first line is a greeting, not an extension."""
    lines = []
    for text in raw.split("\n")[1:]:
        line = clean(text)
        keyword, space, rest = line.partition(" ")
        if line:
            lines.append(f"{keyword.upper()}{space}{rest}")
    return Extensions(tuple(lines))

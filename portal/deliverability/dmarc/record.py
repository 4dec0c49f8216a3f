"""A policy record, read leniently as RFC 9989 §4.7 and §4.8 want it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Policy = Literal["none", "quarantine", "reject"]
POLICIES: tuple[Policy, ...] = ("none", "quarantine", "reject")
_BLANKS = " \t\r\n"
GONE = ("pct", "rf", "ri")  # of RFC 7489, no longer there
_VERSION = re.compile(r"[vV][ \t]*=[ \t]*DMARC1[ \t]*(;|$)")
_MEANT = re.compile(r"\bdmarc", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_POLICY_TAGS = ("p", "sp", "np")
KNOWN = {
    "p": POLICIES,
    "sp": POLICIES,
    "np": POLICIES,
    "adkim": ("r", "s"),
    "aspf": ("r", "s"),
    "psd": ("y", "n", "u"),
    "t": ("y", "n"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dmarc:
    """`values` hold what is well-formed, in small letters; `broken` the pieces that
    receivers skip, `unsound` the policies among them; `twice` names that are there more than once, which makes the whole
    list one that cannot be read (RFC 6376 §3.2); `rua` the addresses as they stand."""

    text: str
    values: Mapping[str, str] = field(default_factory=dict)
    broken: tuple[str, ...] = ()
    unsound: tuple[str, ...] = ()
    twice: tuple[str, ...] = ()
    rua: tuple[str, ...] = ()
    pct: int = 100

    @property
    def has_policy(self) -> bool:
        """RFC 9989 §4.10.1: without a valid p, or with an sp or np that is not valid,
        the record counts as p=none at best."""
        return "p" in self.values and not self.unsound

    @property
    def policy(self) -> Policy:
        return self._policy("p", "none")

    @property
    def for_subdomains(self) -> Policy:
        return self._policy("sp", self.policy)

    @property
    def for_absent(self) -> Policy:
        """Of names that do not exist (`np`)."""
        return self._policy("np", self.for_subdomains)

    @property
    def is_strict_dkim(self) -> bool:
        return self.values.get("adkim") == "s"

    @property
    def is_strict_spf(self) -> bool:
        return self.values.get("aspf") == "s"

    @property
    def is_test(self) -> bool:
        return self.values.get("t") == "y"

    @property
    def psd(self) -> str:
        return self.values.get("psd", "u")

    def _policy(self, tag: str, otherwise: Policy) -> Policy:
        for each in POLICIES:
            if self.has_policy and self.values.get(tag) == each:
                return each
        return otherwise


def is_dmarc(text: str) -> bool:
    """`v` comes first and is exactly DMARC1 (RFC 9989 §4.7)."""
    return _VERSION.match(text) is not None


def is_meant(text: str) -> bool:
    """Whether somebody wanted to write one, as in `v=dmarc1` or `p=none; v=DMARC1`."""
    return _MEANT.search(text) is not None


def read(text: str) -> Dmarc:
    """Of a record that `is_dmarc`. The first of two equal tags counts, but all `rua`."""
    values: dict[str, str] = {}
    broken: list[str] = []
    unsound: list[str] = []
    twice: list[str] = []
    for piece in text.split(";")[1:]:
        left, equals, right = piece.partition("=")
        name, value = left.strip(_BLANKS).lower(), right.strip(_BLANKS)
        if not piece.strip(_BLANKS):
            continue
        if not (equals and _NAME.fullmatch(name) and _is_sound(name, value.lower())):
            broken.append(piece.strip(_BLANKS)[:100])
            unsound += [name] if equals and name in _POLICY_TAGS else []
            continue
        if name in values or name == "v":
            twice.append(name)
            if name == "rua":  # whoever writes two wants both
                values[name] += f",{value}"
            continue
        values[name] = value if name in ("rua", "ruf") else value.lower()
    rua = (each.strip(_BLANKS) for each in values.get("rua", "").split(","))
    return Dmarc(
        text=text,
        values=values,
        broken=tuple(broken),
        unsound=tuple(unsound),
        twice=tuple(twice),
        rua=tuple(each for each in rua if each),
        pct=int(values.get("pct", "100")),
    )


def _is_sound(name: str, value: str) -> bool:
    if name == "pct":
        return re.fullmatch(r"[0-9]{1,3}", value) is not None and int(value) <= 100
    return value in KNOWN.get(name, (value,))


def one_lower(policy: Policy) -> Policy:
    """What `t=y` makes of it (RFC 9989 §4.7)."""
    return "quarantine" if policy == "reject" else "none"

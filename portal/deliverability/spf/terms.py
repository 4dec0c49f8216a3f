"""An SPF record taken apart, strictly by its grammar (RFC 7208 §12)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, Literal, cast

Qualifier = Literal["+", "-", "~", "?"]
MechanismName = Literal["all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists"]
MECHANISMS = ("all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists")
NO_PASS = ("-", "~", "?")
LOOKED_UP = frozenset({"include", "a", "mx", "ptr", "exists"})  # RFC 7208 §4.6.4

_VERSION = re.compile(r"v=spf1(?= |$)", re.IGNORECASE)
_MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)=(.*)", re.DOTALL)
_DIRECTIVE = re.compile(r"([-+?~]?)([A-Za-z][A-Za-z0-9_.-]*)(.*)", re.DOTALL)
_EXPAND = r"%(?:[%_-]|\{[slodiphcrtvSLODIPHCRTV][0-9]*[rR]?[-.+,/_=]*\})"
_LITERAL = r"[!-$&-~]"
_MACRO_STRING = re.compile(rf"(?:{_EXPAND}|{_LITERAL})*")
_LETTERS = re.compile(r"%\{([A-Za-z])([0-9]*)")
_ENDS_IN_MACRO = re.compile(rf"(?:{_EXPAND})$")
_TOP_LABEL = re.compile(
    r"\.(?:[A-Za-z0-9]*[A-Za-z][A-Za-z0-9]*|[A-Za-z0-9]+-[A-Za-z0-9-]*[A-Za-z0-9])\.?$"
)
_CIDR = re.compile(r"(.*?)(?:/(0|[1-9][0-9]{0,2}))?(?://(0|[1-9][0-9]{0,2}))?")
_IP_CIDR = re.compile(r"([^/]+)(?:/(0|[1-9][0-9]{0,2}))?")
LONGEST_END = 200
_ONLY_IN_EXPLANATIONS = frozenset("crt")


class BadRecord(ValueError):
    """A record that no receiver can evaluate (permerror): `term` is where."""

    def __init__(self, term: str) -> None:
        super().__init__(term)
        self.term = term


@dataclass(frozen=True, slots=True, kw_only=True)
class Mechanism:
    """`domain` is a domain-spec with its macros unexpanded; None: the current one.
    `network` of ip4 and ip6; the prefixes of a and mx."""

    name: MechanismName
    qualifier: Qualifier = "+"
    text: str
    domain: str | None = None
    network: IPv4Network | IPv6Network | None = None
    prefix4: int = 32
    prefix6: int = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """`redirect` and `explanation` are domain-specs."""

    mechanisms: tuple[Mechanism, ...]
    redirect: str | None = None
    explanation: str | None = None

    @property
    def all(self) -> Mechanism | None:
        return next((each for each in self.mechanisms if each.name == "all"), None)


def is_spf(text: str) -> bool:
    """RFC 7208 §4.5: `v=spf10` and `spf2.0` are other things."""
    return _VERSION.match(text) is not None


def is_explanation(text: str) -> bool:
    """What `exp` may lead to (RFC 7208 §6.2): macros, visible ASCII and blanks."""
    return _MACRO_STRING.fullmatch(text.replace(" ", "")) is not None


def is_open(mechanism: Mechanism) -> bool:
    """Whether it lets everybody in: `+all`, or a network of all addresses."""
    everywhere = mechanism.network is not None and mechanism.network.prefixlen == 0
    near = mechanism.name in ("a", "mx") and mechanism.prefix4 == 0
    return mechanism.qualifier == "+" and (
        mechanism.name == "all" or everywhere or near
    )


def parse(text: str) -> Parsed:
    """Raises BadRecord. The version has been looked at; blanks part the terms."""
    mechanisms: list[Mechanism] = []
    modifiers: dict[str, str] = {}
    for term in text.split(" ")[1:]:
        if not term:
            continue
        modifier = _MODIFIER.fullmatch(term)
        if modifier is None:
            mechanisms.append(_mechanism(term))
            continue
        name = modifier[1].lower()
        if name in modifiers and name in ("redirect", "exp"):
            raise BadRecord(term)  # RFC 7208 §6
        if name not in ("redirect", "exp"):
            _check_macros(modifier[2], term)
        else:
            _check_domain(modifier[2], term)
        modifiers[name] = modifier[2]
    return Parsed(
        mechanisms=tuple(mechanisms),
        redirect=modifiers.get("redirect"),
        explanation=modifiers.get("exp"),
    )


def _mechanism(term: str) -> Mechanism:
    found = _DIRECTIVE.fullmatch(term)
    name = found[2].lower() if found else ""
    if found is None or name not in MECHANISMS:
        raise BadRecord(term)
    return Mechanism(
        name=cast(MechanismName, name),
        qualifier=cast(Qualifier, found[1] or "+"),
        text=term,
        **_with_argument(name, found[3], term),
    )


def _with_argument(name: str, rest: str, term: str) -> dict[str, Any]:
    if name == "all":
        if rest:
            raise BadRecord(term)
        return {}
    if name in ("ip4", "ip6"):
        return {"network": _network(name, rest, term)}
    if name in ("include", "exists"):
        return {"domain": _domain(rest, term, needed=True)}
    if name == "ptr":
        return {"domain": _domain(rest, term)}
    return _with_prefixes(rest, term)


def _network(name: str, rest: str, term: str) -> IPv4Network | IPv6Network:
    version, widest = (4, 32) if name == "ip4" else (6, 128)
    found = _IP_CIDR.fullmatch(rest[1:])
    if not rest.startswith(":") or found is None:
        raise BadRecord(term)
    if "%" in found[1] or (found[2] and int(found[2]) > widest):
        raise BadRecord(term)
    try:
        network = ip_network(f"{found[1]}/{found[2] or widest}", strict=False)
    except ValueError as error:
        raise BadRecord(term) from error
    if network.version != version:
        raise BadRecord(term)
    return network


def _with_prefixes(rest: str, term: str) -> dict[str, Any]:
    found = _CIDR.fullmatch(rest)
    if found is None:
        raise BadRecord(term)
    prefix4, prefix6 = int(found[2] or 32), int(found[3] or 128)
    if prefix4 > 32 or prefix6 > 128:
        raise BadRecord(term)
    domain = _domain(found[1], term)
    return {"domain": domain, "prefix4": prefix4, "prefix6": prefix6}


def _domain(rest: str, term: str, *, needed: bool = False) -> str | None:
    if not rest and not needed:
        return None
    if not rest.startswith(":"):
        raise BadRecord(term)
    _check_domain(rest[1:], term)
    return rest[1:]


def _check_domain(spec: str, term: str) -> None:
    _check_macros(spec, term)
    if any(m[1].lower() in _ONLY_IN_EXPLANATIONS for m in _LETTERS.finditer(spec)):
        raise BadRecord(term)
    end = spec[-LONGEST_END:]  # a label and a macro are short; hostile ones are not
    if not (_ENDS_IN_MACRO.search(end) or _TOP_LABEL.search(end)):
        raise BadRecord(term)


def _check_macros(text: str, term: str) -> None:
    if _MACRO_STRING.fullmatch(text) is None:
        raise BadRecord(term)
    if any(m[2] and not m[2].strip("0") for m in _LETTERS.finditer(text)):
        raise BadRecord(term)  # RFC 7208 §7.1: nonzero

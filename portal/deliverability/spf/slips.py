"""Slips of the pen in an SPF record whose meaning is plain."""

from __future__ import annotations

import re
from difflib import get_close_matches
from ipaddress import ip_interface

from portal.address import BadAddress, parse_domain
from portal.deliverability.spf.terms import BadRecord, Parsed, parse

_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"), "-")
_AROUND = "\"'\u201c\u201d\u201e\u2018\u2019\ufeff\u00a0 \t\r\n"
_BEHIND = ",;.:" + _AROUND
_NAMES = "include|ip[46]|mx|a|exists"
_KNOWN = ("include", "exists", "redirect", "exp", "mx", "a")
_OF_ADDRESSES = ("ip", "ip4", "ip6", "ipv4", "ipv6")
_VERSION = re.compile(r"v\s*[=:]\s*spf1(?![a-z0-9.])", re.IGNORECASE)
_NEARLY = re.compile(
    rf"v\s{{0,3}}[-=:]?\s{{0,3}}spf[1li](?=(?:{_NAMES}|redirect)\b|[^a-z0-9.]|$)",
    re.IGNORECASE,
)
_LINE = re.compile(
    r"^\s*(?:\S+\s+){0,3}(?:TXT|SPF)\s{1,9}(?=\W{0,3}v\s*[=:])", re.IGNORECASE
)
# A blank where none belongs: `include: x`, `- all`.
_TORN = re.compile(
    r"(?<=\s)([-+~?]?(?:include|ip[46]|exists|redirect)[:=]|[-+~?])\s+(?=[a-z0-9_])",
    re.IGNORECASE,
)
# Strings are joined with nothing between them (RFC 7208 §3.3): a blank got lost there.
_JOINED = re.compile(r"(?<=[a-z0-9])(?=(?:include|ip[46]|exists):)", re.IGNORECASE)
_STUCK = re.compile(r"(?<=[a-z0-9])(?=redirect=|[-+~?]all$)", re.IGNORECASE)
# Only before what is a term by itself: a comma may be part of a name.
_LISTED = re.compile(
    r"[,;](?=[-+~?]?(?:(?:include|ip[46]|exists|redirect|mx|a)[:=]|(?:mx|a|all)(?:[,;/]|$)"
    r"|[0-9a-f.:/]+(?:[,;]|$)))",
    re.IGNORECASE,
)
_TERM = re.compile(r"([-+~?]?)(?:([a-z][a-z0-9]*)[:=])?(.*)", re.IGNORECASE | re.DOTALL)
_ALIKE = 0.7  # of difflib's ratio
_LONGEST_SLIP = 12  # characters of a name
MOST = 4096  # characters that are thought about: beyond, nobody wrote them by hand


def as_meant(text: str) -> str | None:
    """The record that a text was meant to be which no receiver takes for one: in
    quotes, with a blank in front, with a semicolon behind the version, or a whole line
    of a zone."""
    text = _LINE.sub("", text).strip(_AROUND)
    found = _NEARLY.match(text)
    if found is None:
        return None
    return f"v=spf1 {text[found.end() :].replace(';', ' ').strip()}"


def corrected(text: str) -> tuple[str, ...]:
    """The terms of a record, each as it was meant where that is plain."""
    if len(text) > MOST:
        return tuple(text.split()[1:])
    whole = _TORN.sub(r"\1", text.translate(_DASHES))
    apart = [each for term in whole.split() for each in _apart(term)]
    return tuple(_corrected(term) for term in apart if not _VERSION.fullmatch(term))


def unread(text: str) -> tuple[str, ...]:
    """Those of `corrected` that still mean nothing."""
    return tuple(term for term in corrected(text) if parsed(term) is None)


def parsed(term: str) -> Parsed | None:
    try:
        return parse(f"v=spf1 {term}")
    except BadRecord:
        return None


def _apart(term: str) -> list[str]:
    """No name has a colon in it; what follows otherwise may be part of one."""
    found = []
    for each in (t for part in _LISTED.split(term) for t in _JOINED.split(part)):
        found += [each] if parsed(each) else _STUCK.split(each)
    return [each for each in found if each.strip(_BEHIND)]


def _corrected(term: str) -> str:
    """`include=x`, `redirect:x`, `incude:x`, `ipv4:1.2.3.4`, `a:1.2.3.4`, `all.`."""
    if _stands(term):
        return term
    term = term.strip(_AROUND).rstrip(_BEHIND) or term
    found = _TERM.fullmatch(term)
    sign, name, value = found.groups() if found else ("", None, term)
    known = _known(name or "")
    spellings = (
        term,
        _address(sign, value),
        # An address without a name, whose first colon is its own.
        _address(sign, term.removeprefix(sign)),
        f"{sign}{known}:{_in_letters(value)}",
        f"{known}={_in_letters(value)}",
    )
    return next((each for each in spellings if each and _stands(each)), term)


def _stands(term: str) -> bool:
    """Any word is a modifier: `include=x` is none."""
    read = parsed(term)
    if read is None:
        return False
    return bool(read.mechanisms or read.redirect or read.explanation) or not _known(
        term.partition("=")[0].lstrip("-+~?")
    )


def _known(name: str) -> str:
    name = name.lower()
    if name in (*_KNOWN, *_OF_ADDRESSES):
        return name
    if len(name) > _LONGEST_SLIP:
        return ""
    return next(iter(get_close_matches(name, _KNOWN[:3], 1, _ALIKE)), "")


def _address(sign: str, text: str) -> str | None:
    try:
        address = ip_interface(text)
    except ValueError:
        return None
    return f"{sign}ip{address.version}:{text}"


def _in_letters(name: str) -> str:
    """A name with letters beyond ASCII, as the DNS has it."""
    labels = name.split(".")
    at = next((n for n, each in enumerate(labels) if not each.isascii()), None)
    if at is None:
        return name
    try:
        known = parse_domain(".".join(labels[at:]).rstrip("."))
    except BadAddress:
        return name
    return ".".join([*labels[:at], known])

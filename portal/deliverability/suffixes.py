"""To whom a name belongs, by the list of public suffixes."""

from __future__ import annotations

from functools import cache

from publicsuffixlist import PublicSuffixList


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def organization(domain: str) -> str | None:
    """The registered domain; None for a public suffix."""
    found = _suffixes().privatesuffix(domain)
    return str(found) if found else None


def registered(domain: str) -> str:
    """The same, and of a public suffix itself."""
    return organization(domain) or domain


def with_registered(domain: str) -> tuple[str, ...]:
    """The domain and, where that is another, the registered one above it."""
    return tuple(dict.fromkeys((domain, registered(domain))))

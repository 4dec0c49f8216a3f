"""The catalogue of providers: our files, then the operator's, which win.

A file `<id>.toml` of the operator adds a provider, or changes of one of ours just
the keys it names (a list is replaced, a table is merged). One that is not understood
changes nothing: the portal runs on without it and says so.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable
from importlib import resources
from pathlib import Path
from typing import Any, Protocol

from portal.providers.reading import BadFile, read
from portal.providers.types import Group, Provider


class Catalogue:
    """Every provider by id; the same for all tenants, read once.

    `problems` are the files of the operator that are left out, a sentence each.
    """

    def __init__(
        self, providers: Iterable[Provider], problems: Iterable[str] = ()
    ) -> None:
        self.problems = tuple(problems)
        order = list(Group)
        ordered = sorted(
            providers, key=lambda each: (order.index(each.group), each.rank, each.name)
        )
        self._by_id = {each.id: each for each in ordered}

    @classmethod
    def load(
        cls, extra: Path | None = None, warn: Callable[[str], None] = lambda _: None
    ) -> Catalogue:
        """`extra` is the operator's folder and need not exist; `warn` hears of each
        of its files that is left out."""
        ours = resources.files("portal.providers") / "catalogue"
        tables = {
            _id(each): _toml(each.read_text("utf-8"))
            for each in ours.iterdir()
            if each.name.endswith(".toml")
        }
        providers = {id_: read(id_, table) for id_, table in tables.items()}
        problems = []
        for path in sorted(extra.glob("*.toml")) if extra else ():
            id_ = _id(path)
            try:
                own = _toml(path.read_text("utf-8"))
                providers[id_] = read(id_, _merged(tables.get(id_, {}), own))
            except (BadFile, OSError, UnicodeDecodeError) as error:
                problems.append(
                    f"The provider file {path} is left out: {_clause(error)}."
                )
                warn(problems[-1])
        return cls(providers.values(), problems)

    def get(self, id_: str) -> Provider | None:
        return self._by_id.get(id_)

    def all(self) -> tuple[Provider, ...]:
        """In the order of the cards: by group, then by rank."""
        return tuple(self._by_id.values())

    def by_host(self, host: str) -> Provider | None:
        """The provider whose relay this is, by its name alone."""
        host = host.lower().rstrip(".")
        for provider in self._by_id.values():
            patterns = [each.host for each in provider.hosts]
            patterns += [provider.host_template] if provider.host_template else []
            if any(_fits(pattern, host) for pattern in patterns):
                return provider
        return None

    def search(self, words: str) -> tuple[Provider, ...]:
        """Those whose name, alias, id or host holds every one of the words."""
        wanted = words.lower().split()
        return tuple(
            each
            for each in self._by_id.values()
            if all(word in _haystack(each) for word in wanted)
        )


class _Named(Protocol):
    @property
    def name(self) -> str: ...


def _id(file: _Named) -> str:
    return file.name.removesuffix(".toml")


def _toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadFile(f"it is not TOML, {error}") from error


def _merged(ours: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    result = dict(ours)
    for key, value in own.items():
        table = result.get(key)
        both = isinstance(table, dict) and isinstance(value, dict)
        result[key] = _merged(table, value) if both and table else value
    return result


def _clause(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is not text in UTF-8"
    if isinstance(error, OSError):
        return f"it cannot be read ({error.strerror})"
    return str(error)


def _fits(pattern: str, host: str) -> bool:
    if pattern == "localhost" or pattern.startswith("127."):
        return False  # whoever runs there: the name says nothing
    parts = re.split(r"\{[^}]*\}", pattern)
    expression = "[a-z0-9.-]+".join(re.escape(part) for part in parts)
    return re.fullmatch(expression, host) is not None


def _haystack(provider: Provider) -> str:
    hosts = [each.host for each in provider.hosts]
    words = [provider.id, provider.name, provider.card_host, *provider.aliases, *hosts]
    return " ".join(words).lower()

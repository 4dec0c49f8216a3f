"""The catalogue of providers: our files, then the operator's, which win.

A file `<id>.toml` of the operator adds a provider, or changes of one of ours just
the keys it names (a list is replaced, a table is merged). One that is not understood
changes nothing: the portal runs on without it and says so.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from portal.providers.types import BadFile, Group, Provider


class Catalogue:
    """Every provider by id; the same for all tenants, each read once.

    Ours are read when they are asked for; the operator's at once, since somebody has
    to hear of mistakes. `problems` are those that are left out, a sentence each.
    """

    def __init__(
        self,
        ours: Mapping[str, Traversable],
        own: Mapping[str, Provider],
        problems: Iterable[str] = (),
    ) -> None:
        self.problems = tuple(problems)
        self._ours = ours
        self._read = dict(own)
        self._in_order: tuple[Provider, ...] = ()

    @classmethod
    def load(
        cls, extra: Path | None = None, warn: Callable[[str], None] = lambda _: None
    ) -> Catalogue:
        """`extra` is the operator's folder and need not exist; `warn` hears of each
        of its files that is left out."""
        folder = resources.files("portal.providers") / "catalogue"
        ours = {_id(each): each for each in folder.iterdir() if _is_toml(each)}
        own, problems = {}, []
        for path in sorted(extra.glob("*.toml")) if extra else ():
            id_ = _id(path)
            try:
                base = _table(ours[id_]) if id_ in ours else {}
                own[id_] = _provider(id_, _merged(base, _table(path)))
            except (BadFile, OSError, UnicodeDecodeError) as error:
                problems.append(
                    f"The provider file {path} is left out: {_clause(error)}."
                )
                warn(problems[-1])
        return cls(ours, own, problems)

    def get(self, id_: str) -> Provider | None:
        if id_ not in self._read and id_ in self._ours:
            self._read[id_] = _provider(id_, _table(self._ours[id_]))
        return self._read.get(id_)

    def all(self) -> tuple[Provider, ...]:
        """In the order of the cards: by group, then by rank."""
        if not self._in_order:
            found = filter(None, map(self.get, {**self._ours, **self._read}))
            self._in_order = tuple(sorted(found, key=_place))
        return self._in_order

    def by_host(self, host: str) -> Provider | None:
        """The provider whose relay this is, by its name alone."""
        host = host.lower().rstrip(".")
        for provider in self.all():
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
            for each in self.all()
            if all(word in _haystack(each) for word in wanted)
        )


_GROUPS = list(Group)


def _place(provider: Provider) -> tuple[int, int, str]:
    return _GROUPS.index(provider.group), provider.rank, provider.name


def _is_toml(file: Traversable) -> bool:
    return file.name.endswith(".toml")


def _id(file: Traversable | Path) -> str:
    return file.name.removesuffix(".toml")


def _table(file: Traversable | Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise BadFile(f"it is not TOML, {error}") from error


def _provider(id_: str, table: Mapping[str, Any]) -> Provider:
    # Here, as pydantic takes long to import: not before there is something to read.
    from portal.providers.reading import read

    return read(id_, table)


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

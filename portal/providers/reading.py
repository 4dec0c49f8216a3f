"""One TOML file read strictly into a Provider: a word too many is a mistake."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from portal.providers.types import BadFile, Provider

Table = Mapping[str, Any]

_ID = re.compile(r"[a-z0-9_]{1,64}")
# The tables of a file and the fields of Provider that their keys fill.
_TABLES = {
    "auth": {
        "methods": "auth_methods",
        "mechanisms": "mechanisms",
        "notes": "auth_notes",
        "tls_required": "tls_required",
        "min_tls": "min_tls",
    },
    "username": {
        "rule": "username_rule",
        "value": "username_value",
        "label": "username_label",
        "hint": "username_hint",
        "pattern": "username_pattern",
        "optional": "username_optional",
    },
    "secret": {
        "label": "secret_label",
        "hint": "secret_hint",
        "pattern": "secret_pattern",
        "prefix": "secret_prefix",
    },
    "from": {"verify": "from_verify", "where": "from_hint", "notes": "from_notes"},
    "trial": {"notes": "trial"},
}
_UNKNOWN = "unexpected_keyword_argument"


def read(id_: str, table: Table) -> Provider:
    """The provider in this table. Raises BadFile."""
    if not _ID.fullmatch(id_):
        raise BadFile("its name is not of small letters, digits and underscores")
    values: dict[str, Any] = {"id": id_, "confidence": {}}
    for key, value in table.items():
        if key == "card":
            values["card_line"] = value
        elif key in _TABLES:
            values |= _renamed(key, value)
        else:
            values[key] = value
    try:
        provider = _adapter().validate_python(values)
    except ValidationError as error:
        raise BadFile(_first(error)) from error
    for choice in provider.ports:
        if not 0 < choice.port < 65536:
            raise BadFile(f"{choice.port} is no port")
    for pattern in _patterns(provider):
        try:
            re.compile(pattern)
        except re.error as error:
            raise BadFile(f"“{pattern}” is no regular expression ({error})") from error
    return provider


@cache
def _adapter() -> TypeAdapter[Provider]:
    return TypeAdapter(with_config(ConfigDict(extra="forbid"))(Provider))


def _first(error: ValidationError) -> str:
    """What is wrong, in a clause. A key that nobody knows is told of first: what is
    missing is often that key, misspelt."""
    found = error.errors(include_url=False, include_input=False)
    first = next((e for e in found if e["type"] == _UNKNOWN), found[0])
    where = ".".join(str(each) for each in first["loc"])
    if first["type"] == _UNKNOWN:
        return f"there is no key “{where}”"
    if first["type"] == "missing":
        return f"“{where}” is missing"
    return f"“{where}”: {first['msg'].lower()}"


def _renamed(name: str, table: object) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise BadFile(f"“{name}” is not a table")
    names = _TABLES[name]
    for key in table:
        if key not in names:
            raise BadFile(f"[{name}] has the unknown key “{key}”")
    return {names[key]: value for key, value in table.items()}


def _patterns(provider: Provider) -> list[str]:
    own = [provider.username_pattern or "", provider.secret_pattern or ""]
    own.append((provider.dkim and provider.dkim.selector_pattern) or "")
    return own + [rule.match for rule in provider.rules]

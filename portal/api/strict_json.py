"""JSON as RFC 8259 has it and no further: what is ambiguous is refused by name."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from portal.errors import Invalid

DEPTH = 16
DIGITS = 18  # 63 bits are what both databases keep
_BROKEN = "The body is not valid JSON: {}."


def parse(body: bytes) -> Any:
    """Raises Invalid. The field is empty when the body as a whole is wrong."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise Invalid("", _BROKEN.format("it is not UTF-8")) from None
    try:
        document = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_int=_integer,
        )
    except Invalid:
        raise
    except RecursionError:
        raise Invalid("", _BROKEN.format("it is nested too deeply")) from None
    except ValueError as error:
        raise Invalid("", _BROKEN.format(error)) from None
    check(document)
    return document


def check(document: Any) -> None:
    """No lone surrogates, no NUL, not too deep. Raises Invalid with the field."""
    _check(document, "", 0)


def place(base: str, step: str | int) -> str:
    """The name of a field within another: `to[1].email`."""
    if isinstance(step, int):
        return f"{base}[{step}]"
    return f"{base}.{step}" if base else step


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise Invalid(_shown(name), "This field stands there twice.")
        found[name] = value
    return found


def _constant(name: str) -> NoReturn:
    raise Invalid("", _BROKEN.format(f"{name} is no number"))


def _integer(digits: str) -> int:
    if len(digits) > DIGITS:
        raise Invalid("", _BROKEN.format("a number has too many digits"))
    return int(digits)


def _check(value: Any, field: str, depth: int) -> None:
    """No lone surrogates and no NUL anywhere, and not too deep."""
    if depth > DEPTH:
        raise Invalid(field, f"At most {DEPTH} levels.")
    if isinstance(value, str):
        _check_text(value, field)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            _check(item, place(field, number), depth + 1)
    elif isinstance(value, dict):
        for name, item in value.items():
            _check_text(name, field)
            _check(item, place(field, name), depth + 1)


def _check_text(text: str, field: str) -> None:
    if "\0" in text:
        raise Invalid(field, "The character NUL is not taken.")
    try:
        text.encode()
    except UnicodeEncodeError:
        wrong = "Half of a surrogate pair is no character."
        raise Invalid(field, wrong) from None


def _shown(name: str) -> str:
    """A name from the body, safe to be put into an answer."""
    return name.encode("utf-8", "backslashreplace").decode()[:100]

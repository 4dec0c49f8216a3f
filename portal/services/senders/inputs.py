"""Values of a form or of JSON read one by one, every fault remembered."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import TypeVar

from portal.address import BadAddress
from portal.errors import FieldError, Invalid
from portal.secret import Secret

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

LONGEST_SECRET = 4096
LONGEST_FILE = 65536

_NUMBER = re.compile(r"[0-9]{1,9}")


class Inputs:
    """Reads fields; what is wrong is collected, so that all is said at once.

    A form gives text for everything, JSON gives numbers and lists: both are read.
    """

    def __init__(self, values: Mapping[str, object], *, within: str = "") -> None:
        self._values = values
        self._within = within
        self.errors: list[FieldError] = []

    def refuse(self, name: str, sentence: str) -> None:
        self.errors.append(FieldError(f"{self._within}{name}", sentence))

    def refuse_unknown(self, known: frozenset[str]) -> None:
        for name in self._values:
            if name not in known:
                self.refuse(name, f"There is no field “{name}”.")

    def is_wrong(self, name: str) -> bool:
        return any(each.field == f"{self._within}{name}" for each in self.errors)

    def is_given(self, name: str) -> bool:
        return self._values.get(name) not in (None, "", [], (), {})

    def exact(self, name: str) -> str:
        """Text as it was typed, blanks and all: for secrets."""
        value = self._values.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            self.refuse(name, "This is text.")
            return ""
        return value

    def exactly(self, name: str) -> Secret | None:
        """A secret, byte for byte: a blank at its end may belong to it."""
        text = self.exact(name)
        if "\0" in text:
            self.refuse(name, "A secret may not hold a NUL character.")
        elif len(text) > LONGEST_SECRET:
            self.refuse(name, f"A secret has at most {LONGEST_SECRET} characters.")
        return Secret(text) if text else None

    def document(self, name: str) -> Secret | None:
        """A secret that is a JSON document, as its text or as the object itself."""
        value = self._values.get(name)
        if isinstance(value, Mapping):
            return Secret(json.dumps(value)) if value else None
        return self.exactly(name)

    def file(self, name: str) -> bytes | None:
        """What was uploaded; None where nothing was."""
        value = self._values.get(name)
        if not value:
            return None
        if not isinstance(value, bytes):
            self.refuse(name, "This is a file.")
            return None
        if len(value) > LONGEST_FILE:
            self.refuse(name, "This file is too long for a certificate.")
            return None
        return value

    def text(self, name: str) -> str:
        return self.exact(name).strip()

    def read(self, name: str, parse: Callable[[str], T]) -> T | None:
        """The parsed text, None when it is empty or wrong."""
        text = self.text(name)
        if not text:
            return None
        try:
            return parse(text)
        except (BadAddress, ValueError) as error:
            self.refuse(name, str(error))
            return None

    def choice(self, name: str, of: Sequence[E], default: E | None = None) -> E:
        """One of these words; after a fault the last of them stands in its place."""
        text = self.text(name).lower()
        if not text and default is not None:
            return default
        for each in of:
            if each.value == text:
                return each
        *first, last = (each.value for each in of)
        self.refuse(name, f"Choose {', '.join(first)} or {last}.")
        return of[-1]

    def number(self, name: str, lowest: int, highest: int, what: str) -> int | None:
        """A whole number; `what` begins the sentence: “A port”."""
        value = self._values.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        found = value if isinstance(value, int) else None
        if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
            found = int(value)
        wrong = found is None or isinstance(value, bool)
        if wrong or not lowest <= (found or 0) <= highest:
            self.refuse(name, f"{what} is a number from {lowest} to {highest}.")
            return None
        return found

    def several(self, name: str, parse: Callable[[str], T]) -> tuple[T, ...]:
        """A list, or text with commas or line breaks between the items."""
        value = self._values.get(name)
        if value is None:
            return ()
        if isinstance(value, str):
            items: list[object] = [each for each in re.split(r"[,\s]+", value) if each]
        elif isinstance(value, list | tuple):
            items = list(value)
        else:
            self.refuse(name, "This is a list.")
            return ()
        found, wrong = [], []
        for item in items:
            try:
                found.append(parse(item.strip() if isinstance(item, str) else ""))
            except (BadAddress, ValueError) as error:
                wrong.append(str(error))
        for sentence in dict.fromkeys(wrong):
            self.refuse(name, sentence)
        return tuple(dict.fromkeys(found))

    def part(self, name: str, known: frozenset[str]) -> Inputs:
        """The fields inside a field; their faults are named `pacing.per_hour`."""
        value = self._values.get(name)
        inner = value if isinstance(value, Mapping) else {}
        if value not in (None, "") and not isinstance(value, Mapping):
            self.refuse(name, f"This is an object with {', '.join(sorted(known))}.")
        part = Inputs(inner, within=f"{name}.")
        part.refuse_unknown(known)
        part.errors = self.errors + part.errors
        self.errors = part.errors
        return part

    def raise_if_wrong(self) -> None:
        if self.errors:
            raise Invalid.many(self.errors)


def nested(values: Mapping[str, object]) -> dict[str, object]:
    """`{"oauth.scope": …}`, as a form names it, as `{"oauth": {"scope": …}}`."""
    found = {name: value for name, value in values.items() if "." not in name}
    for name, value in values.items():
        outer, dot, inner = name.partition(".")
        if dot:
            part = found.get(outer)
            found[outer] = {**(part if isinstance(part, Mapping) else {}), inner: value}
    return found

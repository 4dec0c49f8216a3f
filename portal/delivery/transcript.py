"""The conversation as text, redacted where it is made."""

from __future__ import annotations

from dataclasses import replace

from portal.delivery.reply import MASK, clean
from portal.delivery.types import Line, Reply

KEPT_FIRST = 300
KEPT_LAST = 100


class Transcript:
    """Lines of both sides. What is hidden is hidden when it is written."""

    def __init__(self) -> None:
        self._lines: list[Line] = []
        self._left_out = 0
        self.secrets: tuple[str, ...] = ()

    def restart(self) -> None:
        """A new mail on the same connection; what is secret stays secret."""
        self._lines.clear()
        self._left_out = 0

    def client(self, text: str) -> None:
        self._add("C", text)

    def hidden(self, words: str = "") -> None:
        """A command whose arguments nobody may see: `AUTH PLAIN ***`, `***`."""
        self._add("C", f"{words} {MASK}".lstrip())

    def server(self, reply: Reply) -> None:
        lines = reply.text.split("\n")
        for line in lines[:-1]:
            self._add("S", f"{reply.code}-{line}")
        self._add("S", f"{reply.code} {lines[-1]}".rstrip())

    def noted(self, words: str) -> None:
        """What the relay did instead of answering, in brackets."""
        self._add("S", f"({words})")

    def mark_failed(self) -> None:
        """The last line is the one that stopped the conversation."""
        if self._lines:
            self._lines[-1] = replace(self._lines[-1], failed=True)

    def lines(self) -> tuple[Line, ...]:
        if not self._left_out:
            return tuple(self._lines)
        note = Line(who="C", text=f"({self._left_out} lines are left out here)")
        return (*self._lines[:KEPT_FIRST], note, *self._lines[KEPT_FIRST:])

    def _add(self, who: str, text: str) -> None:
        self._lines.append(Line(who=who, text=clean(text, self.secrets)))
        if len(self._lines) > KEPT_FIRST + KEPT_LAST:
            del self._lines[KEPT_FIRST]
            self._left_out += 1

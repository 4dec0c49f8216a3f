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
        self._replies: list[Reply | None] = []  # of which a line is the last
        self._left_out = 0
        self.secrets: tuple[str, ...] = ()

    def restart(self) -> None:
        """A new mail on the same connection; what is secret stays secret."""
        self._lines.clear()
        self._replies.clear()
        self._left_out = 0

    def client(self, text: str) -> None:
        self._add("C", clean(text, self.secrets))

    def hidden(self, words: str = "") -> None:
        """A command whose arguments nobody may see: `AUTH PLAIN ***`, `***`."""
        self._add("C", clean(f"{words} {MASK}".lstrip(), self.secrets))

    def server(self, reply: Reply) -> None:
        """A reply is clean already: `reply_of` made it."""
        *front, last = reply.text.split("\n")
        for line in front:
            self._add("S", f"{reply.code}-{line}")
        self._add("S", f"{reply.code} {last}".rstrip(), reply)

    def noted(self, words: str) -> None:
        """What the relay did instead of answering, in brackets."""
        self._add("S", clean(f"({words})", self.secrets))

    def mark_failed(self, reply: Reply | None) -> None:
        """The line that stopped the conversation: this reply's, or the last one."""
        if not self._lines:
            return
        # Behind a refusal may stand the answers to what was sent along with it.
        found = (at for at, each in enumerate(self._replies) if each is reply)
        at = next(found, -1) if reply is not None else -1
        self._lines[at] = replace(self._lines[at], failed=True)

    def lines(self) -> tuple[Line, ...]:
        if not self._left_out:
            return tuple(self._lines)
        note = Line(who="C", text=f"({self._left_out} lines are left out here)")
        return (*self._lines[:KEPT_FIRST], note, *self._lines[KEPT_FIRST:])

    def _add(self, who: str, text: str, reply: Reply | None = None) -> None:
        self._lines.append(Line(who=who, text=text))
        self._replies.append(reply)
        if len(self._lines) > KEPT_FIRST + KEPT_LAST:
            del self._lines[KEPT_FIRST], self._replies[KEPT_FIRST]
            self._left_out += 1

"""How a service tells the engine that there is something to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Bell(Protocol):
    """Given at start-up; ringing never blocks and never fails."""

    def ring(self, message_ids: Sequence[int] = ()) -> None:
        """New work is committed. The ids are a hand-over in memory, no more:
        the engine claims each like any row."""
        ...

    def hears(self) -> bool | None:
        """Whether the engine of this process looks after its work; None: this
        process has no engine."""
        ...


class SilentBell:
    """For the command line: whoever polls the database finds the work."""

    def ring(self, message_ids: Sequence[int] = ()) -> None:
        return None

    def hears(self) -> bool | None:
        return None

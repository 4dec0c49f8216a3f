"""Works of one kind: the writer does those that wait together by one call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

One = TypeVar("One")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Alike(Generic[One, T]):
    """A work that is cheaper together with others of its kind.

    `do` writes all of its items and has one value for each, in their order; or it
    raises, and nothing of them is kept: then each is done alone.
    """

    do: Callable[[Sequence[One]], Sequence[T]]
    item: One

    def __call__(self) -> T:
        return self.do([self.item])[0]

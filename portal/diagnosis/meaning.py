"""Words that carry meaning: the ideas of `vocabulary.toml`, and how near they stand.

Each idea is sought once, by one pass over the text, whatever the number of rules:
no text, however hostile, costs more than a few milliseconds.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

Vocabulary = Mapping[str, re.Pattern[str]]

_LONGEST = 1500  # characters; what a server means it says in its first lines
_NEAR = 60  # characters between two ideas that belong together
_CJK = "\u2e80"  # from here on words have no blanks between them
_NEVER = r"(?!)"
_OPERATORS = (" > ", " ~ ", " & ")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z][a-z])")
_MAILBOX = re.compile(r"<[^<>\s]{0,320}@[^<>\s]{0,255}>|[^\s<>@]{1,64}@[^\s<>@]{1,255}")
_IP = re.compile(
    r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]*\d)"
    r"|(?<![\w:])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){4,7}(?![\w:])"
    r"|(?<![\w:])[0-9a-f:]{2,40}::[0-9a-f:]{1,40}(?![\w:])",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?;](?=\s)|…|。")


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """`a > b`: b soon after a in the same sentence; `a ~ b`: in either order;
    `a & b`: both, anywhere; or one idea alone."""

    ideas: tuple[str, ...]
    operator: str

    @classmethod
    def of(cls, pattern: str) -> Saying:
        for operator in _OPERATORS:
            if operator in pattern:
                ideas = tuple(pattern.split(operator))
                break
        else:
            ideas, operator = (pattern,), " & "
        return cls(ideas=ideas, operator=operator.strip())


class Meaning:
    """A text as the rules ask it; addresses in it mean nothing by themselves."""

    def __init__(self, words: str, vocabulary: Vocabulary) -> None:
        self._words = regular(words[:_LONGEST])[:_LONGEST]
        self._vocabulary = vocabulary
        self._ends = [each.start() for each in _SENTENCE_END.finditer(self._words)]
        self._found: dict[str, list[tuple[int, int]]] = {}

    def says(self, saying: Saying) -> bool:
        found = [self._places(idea) for idea in saying.ideas]
        if not all(found):
            return False
        if saying.operator == "&":
            return True
        forward = self._follow(found)
        return forward or (saying.operator == "~" and self._follow(found[::-1]))

    def _places(self, idea: str) -> list[tuple[int, int]]:
        if idea not in self._found:
            pattern = self._vocabulary[idea]
            self._found[idea] = [m.span() for m in pattern.finditer(self._words)]
        return self._found[idea]

    def _follow(self, found: list[list[tuple[int, int]]]) -> bool:
        reached = [end for _, end in found[0]]
        for places in found[1:]:
            starts = [start for start, _ in places]
            reached = [
                places[at][1]
                for end in reached
                if (at := bisect_left(starts, end)) < len(places)
                and self._belong(end, starts[at])
            ]
        return bool(reached)

    def _belong(self, end: int, start: int) -> bool:
        at = bisect_left(self._ends, end)
        apart = at < len(self._ends) and self._ends[at] < start
        return start - end <= _NEAR and not apart


def regular(words: str) -> str:
    """Small letters without accents; `NotFound` and `NOT_FOUND` are two words each."""
    words = _MAILBOX.sub(" @ ", words.replace("’", "'"))
    words = _IP.sub(" ip ", words)
    words = _CAMEL.sub(" ", words).replace("_", " ").casefold()
    parts = unicodedata.normalize("NFKD", words)
    plain = "".join(each for each in parts if not unicodedata.combining(each))
    return " ".join(plain.split())


@cache
def ideas() -> dict[str, list[str]]:
    """Every idea with its words, as `vocabulary.toml` has them."""
    file = resources.files("portal.diagnosis") / "vocabulary.toml"
    return tomllib.loads(file.read_text("utf-8"))


def vocabulary(ideas: Mapping[str, Iterable[str]]) -> Vocabulary:
    return {idea: _pattern(tuple(words)) for idea, words in ideas.items()}


@cache
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    """Latin and Cyrillic words match from their beginning; others stand anywhere."""
    whole = [word for word in words if word[0] < _CJK]
    inside = [word for word in words if word[0] >= _CJK]
    first = [rf"(?<![^\W_])(?:{'|'.join(whole)})"] if whole else []
    return re.compile("|".join(first + inside) or _NEVER)

"""How well failures are understood: the figures of `tests/diagnosis/data`.

*Right* is the cause itself, *fair* one that the same words can honestly mean. The
macro figure is the mean over causes, so that a rare cause counts as much as a
frequent one. The catalogue takes part as it does in the portal: a provider is known
by the host of the failure, never by who wrote its words.

*Without its emitter* says what is left for somebody whose server nobody met before.
For each emitter, its own failures are tried again without

- every rule that decides failures of this emitter and of nobody else,
- every rule and every word of the vocabulary that names it (`NAMES`),
- all that the catalogue knows of the provider.

What answers for a stage and a class alone stays. *Without its words* is stricter: it
also takes away every word of the vocabulary that stands in failures of this emitter
and in no other's, however general it is ("refused", where only one program says it).

A rule *fires once* if it decides exactly one failure of the file; the share is of the
rules that decide any. *Held out* were four sets written from memory, each measured
before anything of it was looked at: the first lines of its file say how that went, and
are the forecast for the next failure. What was learned since is in the figure here.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from portal.diagnosis.explain import explain
from portal.diagnosis.meaning import ideas, regular, vocabulary
from portal.diagnosis.reading import read
from portal.diagnosis.rules import Book, Rule, book
from portal.diagnosis.types import Diagnosis, ProviderHints
from portal.providers.catalogue import Catalogue
from portal.services import knowledge
from tests.diagnosis.failures import Known, held_out, met

WANTED = {
    "right_or_fair": 0.95,
    "macro": 0.92,
    "temporary": 0.97,
    "without_its_emitter": 0.85,
}
FIRES_ONCE_BELOW = 0.15
# By what a rule or a word names an emitter, beside the emitter's own name.
NAMES = {
    "microsoft": r"AADSTS|tenant|resolver|storedrv|smtp client auth|outlook|STS",
    "exchange": r"resolver|storedrv",
    "google": r"gmail|google",
    "yahoo": r"auth005|bl\\d",
    "mail_ru": r"parol prilozheniya",
    "zoho": r"sender is not allowed to relay",
    "qmail": r"rcpthosts|smtplf",
    "haraka": r"barelf",
    "cisco_ironport": r"access to submit messages",
    "t_online": r"\\\(bl\\\)",
    "qq": r"suspected spam",
    "chasquid": r"vulnerable",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    known: Known
    found: Diagnosis
    rule: Rule

    @property
    def is_right(self) -> bool:
        return self.found.cause == self.known.cause

    @property
    def is_right_or_fair(self) -> bool:
        return self.is_right or self.found.cause in self.known.also


def bench() -> dict[str, Any]:
    tried = [_tried(known, book()) for known in met()]
    new = [_tried(known, book()) for known in held_out()]
    without = _without(tried, words_too=False)
    wordless = _without(tried, words_too=True)
    firing = Counter(id(each.rule) for each in tried)
    once = sum(times == 1 for times in firing.values()) / len(firing)
    found = {
        **figures(tried),
        "without_its_emitter": _share(without),
        "without_its_words": _share(wordless),
        "fires_once": once,
        "rules": {"all": len(book().rules), "deciding": len(firing)},
        "confusions": _confusions(tried),
        "confusions_without_its_emitter": _confusions(without),
        "held_out": {**figures(new), "confusions": _confusions(new)},
    }
    met_all = all(found[name] >= least for name, least in WANTED.items())
    return {"ok": met_all and once < FIRES_ONCE_BELOW, **found}


def figures(tried: list[Tried]) -> dict[str, Any]:
    by_cause = defaultdict(list)
    for each in tried:
        by_cause[each.known.cause].append(each)
    temporary = [each.found.temporary == each.known.temporary for each in tried]
    return {
        "failures": len(tried),
        "right": sum(each.is_right for each in tried) / len(tried),
        "right_or_fair": _share(tried),
        "macro": sum(_share(group) for group in by_cause.values()) / len(by_cause),
        "temporary": sum(temporary) / len(tried),
    }


def line(found: Mapping[str, Any]) -> str:
    new = found["held_out"]
    rows = [
        f"{found['failures']} failures: right {found['right']:.1%}, right or fair"
        f" {found['right_or_fair']:.1%}, macro {found['macro']:.1%},"
        f" temporary {found['temporary']:.1%}",
        f"without its emitter {found['without_its_emitter']:.1%}, without its words"
        f" {found['without_its_words']:.1%}",
        f"rules: {found['rules']['all']}, {found['rules']['deciding']} decide a failure,"
        f" {found['fires_once']:.1%} of these just one",
        f"{new['failures']} held out: right or fair {new['right_or_fair']:.1%},"
        f" macro {new['macro']:.1%}, temporary {new['temporary']:.1%}",
    ]
    for title, table in (
        ("confused", found["confusions"]),
        ("confused without its emitter", found["confusions_without_its_emitter"]),
        ("confused of the held out", new["confusions"]),
    ):
        rows.append(f"{title}:")
        rows += [
            f"  {row['times']} × {row['cause']} taken for {row['found']}"
            for row in table
        ]
    return "\n".join(rows)


def _tried(known: Known, by: Book, *, with_catalogue: bool = True) -> Tried:
    evidence = known.evidence
    hints = _hints(evidence.host) if with_catalogue else None
    return Tried(
        known=known,
        found=explain(evidence, hints, by=by),
        rule=by.first_fitting(read(evidence, by.vocabulary)),
    )


@cache
def _catalogue() -> Catalogue:
    return Catalogue.load()


def _hints(host: str | None) -> ProviderHints | None:
    provider = _catalogue().by_host(host) if host else None
    return knowledge.hints(_catalogue(), provider.id) if provider else None


def _without(tried: list[Tried], *, words_too: bool) -> list[Tried]:
    groups = defaultdict(list)
    for each in tried:
        groups[each.known.emitter].append(each)
    found = []
    for emitter, group in groups.items():
        others = [each for each in tried if each.known.emitter != emitter]
        by = _torn(emitter, group, others, words_too=words_too)
        found += [_tried(each.known, by, with_catalogue=False) for each in group]
    return found


def _torn(
    emitter: str, group: list[Tried], others: list[Tried], *, words_too: bool
) -> Book:
    """The book without what is known of this emitter only."""
    pattern = f"{NAMES.get(emitter, '(?!)')}|{emitter.rpartition('_')[2]}"
    named = re.compile(pattern, re.IGNORECASE)
    own = {id(each.rule) for each in group} - {id(each.rule) for each in others}
    left = tuple(rule for rule in book().rules if _stays(rule, own, named))
    seen = (_texts(group), _texts(others)) if words_too else ("", "")
    return Book(rules=left, vocabulary=vocabulary(_words_left(named, *seen)))


def _stays(rule: Rule, own: set[int], named: re.Pattern[str]) -> bool:
    if not (rule.text or rule.says or rule.enhanced or rule.exceptions):
        return True  # the answer for a stage and a class alone
    if rule.text and named.search(rule.text.pattern):
        return False
    return id(rule) not in own


def _texts(group: list[Tried]) -> str:
    return "\n".join(regular(each.known.evidence.text) for each in group)


def _words_left(named: re.Pattern[str], here: str, there: str) -> dict[str, list[str]]:
    return {
        idea: [
            word
            for word in words
            if not named.search(word)
            and (re.search(word, there) or not re.search(word, here))
        ]
        for idea, words in ideas().items()
    }


def _share(tried: list[Tried]) -> float:
    return sum(each.is_right_or_fair for each in tried) / len(tried)


def _confusions(tried: list[Tried]) -> list[dict[str, Any]]:
    pairs = Counter(
        (each.known.cause, each.found.cause)
        for each in tried
        if not each.is_right_or_fair
    )
    return [
        {"cause": cause, "found": found, "times": times}
        for (cause, found), times in sorted(
            pairs.items(), key=lambda pair: (-pair[1], pair[0])
        )
    ]

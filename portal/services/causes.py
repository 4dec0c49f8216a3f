"""Every cause that a diagnosis can name, with what the catalogue knows of it.

Used by pages, by the documentation and by commands: nothing of the store is here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from portal.diagnosis import words
from portal.diagnosis.explain import explain
from portal.diagnosis.repairs import mends
from portal.diagnosis.rules import Cause, causes, groups
from portal.diagnosis.types import Evidence
from portal.errors import Missing
from portal.providers.catalogue import Catalogue
from portal.providers.types import Provider, Rule
from portal.services import knowledge

TITLES = {
    "reaching": "Finding and reaching the relay",
    "encryption": "Encryption and certificates",
    "signing_in": "Signing in",
    "sender": "The sender and its account",
    "recipient": "The recipient",
    "message": "The message and what receivers think of it",
}
# Where in a conversation the wordings of a provider usually stand.
_STAGES = {
    "auth": "auth",
    "from": "mail_from",
    "rate": "mail_from",
    "tls": "mail_from",
    "ip": "rcpt_to",
    "trial": "rcpt_to",
    "size": "post_data",
    "policy": "post_data",
    "connect": "banner",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """A reply as a provider words it, perhaps in several ways; `…` stands for what
    differs each time."""

    provider: str
    replies: tuple[str, ...]
    meaning: str
    unsure: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseView:
    id: str
    title: str
    meaning: str
    remedy: str
    stages: tuple[str, ...]
    temporary: bool
    repairs: tuple[str, ...]  # the labels of what a setting mends
    wordings: tuple[Wording, ...]

    @property
    def providers(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(each.provider for each in self.wordings))


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    id: str
    title: str
    causes: tuple[CauseView, ...]


@lru_cache(maxsize=4)
def all_groups(catalogue: Catalogue) -> tuple[Group, ...]:
    """In the order of a conversation, from finding the relay to its last reply."""
    heard = _heard(catalogue)
    return tuple(
        Group(
            id=id_,
            title=title,
            causes=tuple(
                _view(causes()[each], heard.get(each, ())) for each in groups()[id_]
            ),
        )
        for id_, title in TITLES.items()
    )


def cause(catalogue: Catalogue, id_: str) -> CauseView:
    """Raises Missing."""
    for group in all_groups(catalogue):
        for each in group.causes:
            if each.id == id_:
                return each
    raise Missing("There is no such cause.")


def sample(match: str) -> tuple[str, ...]:
    """The wordings that an expression of the catalogue stands for, one for each of
    its alternatives, with `…` for whatever may stand between."""
    return tuple(_plain(each) for each in _alternatives(match))


def _view(known: Cause, heard: tuple[Wording, ...]) -> CauseView:
    nothing = Evidence(text="")
    return CauseView(
        id=known.id,
        title=words.filled(known.title, nothing, None),
        meaning=words.filled(known.meaning, nothing, None),
        remedy=words.filled(known.remedy, nothing, None),
        stages=known.stages,
        temporary=known.temporary,
        repairs=tuple(each.label for each in mends(known.id, nothing)),
        wordings=heard,
    )


def _heard(catalogue: Catalogue) -> dict[str, tuple[Wording, ...]]:
    """The catalogue's wordings by the cause that the diagnosis finds in them."""
    found: dict[str, list[Wording]] = {}
    for provider in catalogue.all():
        for rule in provider.rules:
            by_cause: dict[str, list[str]] = {}
            for each in sample(rule.match):
                cause_id = _diagnosed(catalogue, provider, rule, each)
                by_cause.setdefault(cause_id, []).append(_reply(rule, each))
            for cause_id, replies in by_cause.items():
                wording = Wording(
                    provider=provider.name,
                    replies=tuple(replies),
                    meaning=rule.meaning,
                    unsure=provider.is_unsure("rules"),
                )
                found.setdefault(cause_id, []).append(wording)
    return {cause_id: tuple(wordings) for cause_id, wordings in found.items()}


def _diagnosed(catalogue: Catalogue, provider: Provider, rule: Rule, text: str) -> str:
    # RFC 4954 §6: 530 is said to a MAIL that came before AUTH.
    stage = "mail_from" if rule.code == 530 else _STAGES[rule.kind]
    evidence = Evidence(text=text, stage=stage, code=rule.code, enhanced=rule.enhanced)
    return explain(evidence, knowledge.hints(catalogue, provider.id)).cause


def _reply(rule: Rule, text: str) -> str:
    enhanced = rule.enhanced if rule.enhanced not in text.split() else None
    known = (rule.code, enhanced, text)
    return " ".join(str(part) for part in known if part)


def _alternatives(match: str) -> list[str]:
    """Split at each `|` that stands in no group."""
    found, depth = [""], 0
    for letter in match:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "|" and depth == 0:
            found.append("")
        else:
            found[-1] += letter
    return found


def _plain(match: str) -> str:
    """Without the signs of an expression: the first of each choice, all that is
    optional, nothing escaped."""
    text = re.sub(r"\[(.)[^\]]*\]", r"\1", match)
    text = re.sub(r"\(([^()|]*)[^()]*\)", r"\1", text)
    text = text.replace(".*", " … ").replace("?", "")
    return re.sub(r"\\(.)", r"\1", " ".join(text.split()))

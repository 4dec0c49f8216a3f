"""The rules and causes as data: nothing dangles, everything is said in full."""

from __future__ import annotations

import re

import pytest

from portal.delivery.types import FailureKind, Phase, Security, Stage
from portal.diagnosis.meaning import ideas
from portal.diagnosis.rules import book, causes
from portal.diagnosis.types import Evidence
from portal.diagnosis.words import filled

STAGES = set(Stage)
BARE = Evidence(text="x")


def test_every_rule_names_known_causes_stages_and_classes():
    for rule in book().rules:
        assert {rule.cause, *rule.alternatives} <= set(causes()), rule
        assert rule.cause not in rule.alternatives, rule
        assert set(rule.stages) <= STAGES, rule
        assert set(rule.kinds) <= set(FailureKind), rule
        assert set(rule.phases) <= set(Phase), rule
        assert set(rule.securities) <= set(Security), rule
        assert 0 < rule.sure <= 1, rule


def test_the_last_rule_fits_everything():
    """So that there is always an answer, and it does not pretend to know."""
    last = book().rules[-1]

    conditions = (last.stages, last.kinds, last.codes, last.enhanced, last.exceptions)
    assert not any((*conditions, last.says, last.lacks))
    assert last.text is None and not last.no_code
    assert last.cause == "rejected_unspecified"
    assert last.sure <= 0.2


def test_every_cause_can_be_found_by_some_rule():
    named = {rule.cause for rule in book().rules}

    assert named == set(causes())


def test_the_contract_s_causes_are_all_there():
    assert len(causes()) == 64
    ours = {"relay_not_permitted", "portal_failed"}
    assert ours <= set(causes())
    for cause in causes().values():
        assert cause.stages or cause.id == "portal_failed"
        assert set(cause.stages) <= STAGES


@pytest.mark.parametrize("cause", causes().values(), ids=lambda each: each.id)
def test_a_cause_says_what_happened_why_and_what_to_do(cause):
    """Three parts, each a whole thought; no blame, no exclamation, no placeholder
    where a sentence begins."""
    parts = (cause.title, cause.meaning, cause.remedy)

    assert not cause.title.endswith(".") and len(cause.title) <= 70
    for sentence in (cause.meaning, cause.remedy):
        assert sentence.endswith(".") and sentence == sentence.strip()
        assert not re.search(r"(^|[.] )\{[a-z]", sentence), sentence
    for part in parts:
        assert not re.search(
            r"\b(please|sorry|oops|invalid|you entered)\b|!", part.lower()
        )
        assert "{" not in filled(part, BARE, None)


def test_a_rule_with_its_own_words_has_whole_sentences():
    for rule in book().rules:
        for sentence in (rule.meaning, rule.remedy):
            assert sentence is None or sentence.endswith((".", "{words}")), rule
        for part in (rule.title, rule.meaning, rule.remedy):
            assert "{" not in filled(part or "", BARE, None)


def test_rules_and_vocabulary_know_each_other():
    """No rule asks for an idea that has no words, and no idea is there for nothing."""
    asked = {
        idea
        for rule in book().rules
        for saying in (*rule.says, *rule.lacks)
        for idea in saying.ideas
    }

    assert asked == set(ideas())


def test_a_word_stands_once_in_its_idea():
    for idea, words in ideas().items():
        assert len(words) == len(set(words)), idea

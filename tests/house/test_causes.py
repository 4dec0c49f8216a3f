"""docs/causes.md and the README say what the data says, and every wording leads to a cause."""

from __future__ import annotations

import re

import pytest

from portal.diagnosis.rules import causes
from portal.providers.catalogue import Catalogue
from portal.services.causes import TITLES, all_groups, sample
from tests.house.causes import PATH, README, document, in_readme, short_list

CATALOGUE = Catalogue.load()
WORDED = [(each, rule) for each in CATALOGUE.all() for rule in each.rules]


def test_the_list_is_the_one_that_the_data_makes():
    """After a change: python -m tests.house.causes"""
    assert PATH.read_text(encoding="utf-8") == document()


def test_the_readme_lists_every_cause_with_its_link():
    text = README.read_text(encoding="utf-8")

    assert in_readme(text, short_list()) == text
    assert re.findall(r"docs/causes\.md#(\w+)", text) == re.findall(
        r"^### `(\w+)`$", document(), re.MULTILINE
    )


def test_every_cause_is_told_once():
    told = [each.id for group in all_groups(CATALOGUE) for each in group.causes]

    assert sorted(told) == sorted(causes())
    assert len(all_groups(CATALOGUE)) == len(TITLES)


@pytest.mark.parametrize(
    ("provider", "rule"), WORDED, ids=lambda each: getattr(each, "id", "")
)
def test_the_wordings_shown_are_ones_that_the_expression_means(provider, rule):
    for words in sample(rule.match):
        assert re.search(rule.match, words, re.IGNORECASE), words
        assert not re.search(r"[\\|*^]", words)


@pytest.mark.parametrize(
    ("match", "words"),
    [
        ("Relay denied", ("Relay denied",)),
        ("bad (user|password)|no .* here", ("bad user", "no … here")),
    ],
)
def test_an_expression_is_shown_as_the_words_it_stands_for(match, words):
    assert sample(match) == words

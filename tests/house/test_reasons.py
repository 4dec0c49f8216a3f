"""docs/deliverability.md says what the words of the report say."""

from __future__ import annotations

from portal.services.reasons.words import known_reasons
from tests.house.reasons import PATH, document


def test_the_page_is_the_one_that_the_words_make():
    """After a change: python -m tests.house.reasons"""
    page = PATH.read_text(encoding="utf-8")

    assert page == document(page)


def test_every_reason_is_told_once():
    told = document("")

    assert {
        id_: told.count(f"| `{id_}` |") for id_ in known_reasons()
    } == dict.fromkeys(known_reasons(), 1)

"""The words that take a rule out are still those of the product."""

from __future__ import annotations

import pytest

from tests.machine.further import FURTHER
from tests.machine.mutate import ROOT, named_tests
from tests.machine.mutations import HOLES


@pytest.mark.parametrize("mutation", (*HOLES, *FURTHER), ids=lambda row: row.name)
def test_each_rule_can_be_taken_out(mutation):
    for edit in mutation.edits:
        text = (ROOT / edit.path).read_text(encoding="utf-8")
        assert text.count(edit.old) == edit.times, edit.old
        assert edit.new != edit.old


def test_each_of_the_sixteen_holes_has_its_rule_and_its_tests():
    assert {mutation.hole for mutation in HOLES} == set(range(1, 17))
    assert all(named_tests(mutation.hole) for mutation in HOLES)

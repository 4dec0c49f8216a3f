"""How well failures are understood, as `python -m tests.bench diagnosis` counts it."""

from __future__ import annotations

import pytest

from tests.bench import diagnosis

pytestmark = pytest.mark.xdist_group("diagnosis_figures")  # counted once


@pytest.fixture(scope="module")
def found() -> dict:
    return diagnosis.bench()


@pytest.mark.parametrize(("name", "least"), diagnosis.WANTED.items())
def test_what_was_met_is_understood(found, name, least):
    assert found[name] >= least, found["confusions"]


def test_rules_are_no_memory_of_lines(found):
    """A rule that decides one failure of the file is suspect of quoting it."""
    assert found["fires_once"] < diagnosis.FIRES_ONCE_BELOW


def test_what_was_held_out_stays_understood(found):
    assert found["held_out"]["right_or_fair"] >= 0.95
    assert found["held_out"]["macro"] >= 0.92
    assert found["ok"]

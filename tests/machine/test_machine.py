"""The outbox in any order of events: every promise holds after every step.

In CI 100 examples of 20 steps on SQLite and 5 on PostgreSQL, the same ones each
time; FAULTS=full makes it 300 × 30 and 60 with a seed of its own, FAULTS_EXAMPLES
any number, FAULTS_SEED repeats a run. What is found is shown as the shortest history
that shows it. `python -m tests.machine` searches longer,
`python -m tests.machine.mutate` takes each rule out and shows that it is missed.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.machine.office import Ground
from tests.machine.search import playground, search

FULL = os.environ.get("FAULTS") == "full"
EXAMPLES = int(os.environ.get("FAULTS_EXAMPLES", 300 if FULL else 100))
STEPS = 30 if FULL else 20
ON_POSTGRESQL = max(EXAMPLES // (5 if FULL else 20), 1)
PARTS = 4  # spread over the workers
# Shrinking a history takes minutes.
pytestmark = pytest.mark.timeout(36_000 if FULL else 900)


@pytest.fixture(scope="module")
def seed() -> int:
    return int(os.environ.get("FAULTS_SEED", random.randrange(10**6) if FULL else 3))


@pytest.fixture(scope="module")
def sqlite(instance_template: Path) -> Iterator[Ground]:
    with playground(instance_template) as ground:
        yield ground


@pytest.mark.parametrize("part", range(PARTS))
def test_every_promise_holds_in_any_order_of_events(sqlite, seed, part):
    print(f"FAULTS_SEED={seed}")

    search(sqlite, examples=EXAMPLES // PARTS, steps=STEPS, seed=seed + part)


def test_every_promise_holds_on_postgresql(
    instance_template, postgresql_server, postgresql_template, seed
):
    print(f"FAULTS_SEED={seed}")

    with playground(
        instance_template, postgresql_server, postgresql_template
    ) as ground:
        search(ground, examples=ON_POSTGRESQL, steps=STEPS, seed=seed)

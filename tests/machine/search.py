"""A search for a history that breaks a promise: so many examples of so many steps."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.machine.machine import OutboxMachine
from tests.machine.office import Ground

MEMORY = Path("/dev/shm")  # a sync there costs nothing, and no power is cut here


def search(
    ground: Ground, *, examples: int, steps: int, seed: int, shrink: bool = True
) -> None:
    """Raises what broke, with the steps that lead there."""

    def machine() -> OutboxMachine:
        return OutboxMachine(ground)

    machine._hypothesis_internal_use_seed = seed  # type: ignore[attr-defined]
    run_state_machine_as_test(
        machine,  # type: ignore[arg-type]
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            phases=(Phase.generate, Phase.shrink)[: 1 + shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )


@contextmanager
def playground(
    instance: Path, server: str | None = None, template: str | None = None
) -> Iterator[Ground]:
    """A migrated instance with the machine's senders, copied for each example."""
    base = MEMORY if MEMORY.is_dir() else None
    with (
        tempfile.TemporaryDirectory(prefix="portal-machine-", dir=base) as folder,
        Ground(instance, Path(folder), server, template).furnished() as ground,
    ):
        yield ground

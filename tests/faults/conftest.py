"""Faults: what was injected is printed with what held, one line a fault.

FAULTS=full makes each as long as it has to be; FAULTS_SEED repeats a run.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.faults import shim as shims
from tests.faults.cradle import Cradle
from tests.faults.household import House, house
from tests.faults.moody import Moody, listening

FULL = os.environ.get("FAULTS") == "full"
_LINES = pytest.StashKey[list[str]]()


@pytest.fixture
def size() -> Callable[[int, int], int]:
    """`size(20, 1000)`: so many in CI, so many in full."""
    return lambda ci, full: full if FULL else ci


@pytest.fixture
def seed() -> int:
    return int(os.environ.get("FAULTS_SEED", random.randrange(10**6)))


@pytest.fixture
def told(request: pytest.FixtureRequest) -> Callable[[int, str, str], None]:
    """`told(24, "closed before the reply", "uncertain, same Message-ID")`."""

    def tell(number: int, injected: str, held: str) -> None:
        line = f"fault {number}: {injected} -> {held}"
        print(line)
        request.node.user_properties.append(("fault", line))

    return tell


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """All lines in order, also those of the workers."""
    lines = {
        value
        for reports in terminalreporter.stats.values()
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == "fault"
    }
    if lines:
        terminalreporter.section("faults")
        for line in sorted(lines, key=lambda line: int(line.split()[1][:-1])):
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shim that puts faults under a process."""
    made = shims.build(tmp_path_factory.mktemp("shim"))
    if made is None:
        pytest.skip("There is no C compiler: install Debian's packages gcc, libc6-dev.")
    return made


@pytest.fixture(scope="session")
def cradle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cradle]:
    with Cradle(tmp_path_factory.mktemp("cradle")) as made:
        yield made


@pytest.fixture(scope="session")
def shimmed(
    tmp_path_factory: pytest.TempPathFactory, library: Path
) -> Iterator[Cradle]:
    """A cradle whose children can suffer under the shim."""
    with Cradle(tmp_path_factory.mktemp("shimmed"), preload=library) as made:
        yield made


@pytest.fixture
def moody() -> Iterator[Callable[..., Moody]]:
    """`moody(share=0.3)` starts such a relay."""
    with ExitStack() as stack:
        yield lambda **values: stack.enter_context(listening(Moody(**values)))


@pytest.fixture
def home(settings: Any) -> Callable[..., House]:
    """`home(relay)`: an installation that sends through this relay."""
    return lambda relay, **more: house(settings, relay_port=relay.port, **more)

"""`python -m tests.machine --examples 5000 --steps 40`: search as long as you like."""

from __future__ import annotations

import argparse
import logging
import random
import tempfile
import time
import traceback
from contextlib import ExitStack
from pathlib import Path

from portal.config import Settings
from portal.store import database as store
from portal.store.vault import open_vault
from tests import postgres
from tests.machine.search import playground, search


def main() -> int:
    asked = _asked()
    logging.disable(logging.CRITICAL)  # a jump of the clock is worth a line, not here
    began_at = time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(postgres.server()) if asked.postgresql else None
        template = None
        if server is not None:
            url = stack.enter_context(postgres.database(server))
            template = url.rpartition("/")[2].partition("?")[0]
            _migrate(Settings(instance=folder / "instance", database_url=url))
        else:
            _migrate(Settings(instance=folder / "instance"))
        ground = stack.enter_context(playground(folder / "instance", server, template))
        try:
            search(
                ground,
                examples=asked.examples,
                steps=asked.steps,
                seed=asked.seed,
                shrink=asked.shrink,
            )
            said = "every promise held"
        except Exception:
            traceback.print_exc()
            said = "a promise is broken"
    print(
        f"seed {asked.seed}, {asked.examples} × {asked.steps}: {said},"
        f" {time.monotonic() - began_at:.0f} s"
    )
    return int(said != "every promise held")


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.machine", description=__doc__)
    parser.add_argument("--examples", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--shrink", action="store_true", help="the shortest history")
    return parser.parse_args()


def _migrate(settings: Settings) -> None:
    store.migrate(store.attach(settings))
    open_vault(settings)
    store.detach()


if __name__ == "__main__":
    raise SystemExit(main())

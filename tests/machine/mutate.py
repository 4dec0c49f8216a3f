"""`python -m tests.machine.mutate`: each rule is taken out, and it is missed.

In a scratch copy of the project one guard after the other is patched away; then the
machine searches, and the tests that name the rule run. A table says who noticed.
Words choose mutations by their name or `hole 5`; `--steps`, `--examples` say how
long the machine may search.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.machine.further import FURTHER
from tests.machine.mutations import HOLES, Mutation

ROOT = Path(__file__).parents[2]
COPIED = ("portal", "tests", "templates", "static", "docs", "pyproject.toml")
PATIENCE_S = 900


def main() -> int:
    asked = _asked()
    chosen = [row for row in (*HOLES, *FURTHER) if _is_meant(row, asked.words)]
    width = max(len(row.name) for row in chosen)
    print(f"{'the rule that is taken out':{width}}  hole  the machine  named tests")
    missed = 0
    with tempfile.TemporaryDirectory(prefix="portal-mutants-") as folder:
        scratch = Path(folder)
        for name in COPIED:
            _copy(ROOT / name, scratch / name)
        for mutation in chosen:
            machine, tests = _judge(scratch, mutation, asked)
            missed += machine is None and tests is None
            hole = mutation.hole or "–"
            first = _told(machine) if mutation.seen else "cannot see"
            said = f"{first:11}  {_told(tests)}"
            print(f"{mutation.name:{width}}  {hole!s:>4}  {said}", flush=True)
    print(f"{len(chosen)} rules taken out, {missed} not missed by anybody")
    return int(missed > 0)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--examples", type=int, default=400)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-tests", action="store_true")
    return parser.parse_args()


def _is_meant(mutation: Mutation, words: list[str]) -> bool:
    name = f"{mutation.name}, hole {mutation.hole},"
    return not words or any(word in name for word in words)


def _judge(
    scratch: Path, mutation: Mutation, asked: argparse.Namespace
) -> tuple[float | None, float | None]:
    """Seconds until the machine and the named tests noticed; None: they did not."""
    before = {edit.path: (scratch / edit.path).read_text() for edit in mutation.edits}
    try:
        for edit in mutation.edits:
            _patch(scratch / edit.path, edit.old, edit.new, edit.times)
        noticed = _search(scratch, asked) if mutation.seen else None
        tests = mutation.tests or named_tests(mutation.hole)
        if asked.no_tests:
            return noticed, None
        quick = ("-x", "-q", "-n0", "-p", "no:cacheprovider")
        return noticed, _fails(scratch, "pytest", *quick, *tests)
    finally:
        for path, text in before.items():
            (scratch / path).write_text(text)


def named_tests(hole: int | None) -> list[str]:
    """Those that docs/outbox.md names beside a hole."""
    page = (ROOT / "docs" / "outbox.md").read_text(encoding="utf-8")
    row = next(
        line for line in page.splitlines() if re.match(rf"\| {hole} [a-z_]+ \|", line)
    )
    return re.findall(r"`(tests/[\w/]+\.py::\w+)`", row)


def _search(scratch: Path, asked: argparse.Namespace) -> float | None:
    words = (f"--examples={asked.examples}", f"--steps={asked.steps}")
    return _fails(scratch, "tests.machine", *words, f"--seed={asked.seed}")


def _patch(path: Path, old: str, new: str, times: int) -> None:
    text = path.read_text()
    if text.count(old) != times:
        raise SystemExit(f"{path.name} has {text.count(old)} times, not {times}: {old}")
    path.write_text(text.replace(old, new))


def _fails(scratch: Path, module: str, *words: str) -> float | None:
    began_at = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-B", "-m", module, *words],
        cwd=scratch,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    if done.returncode not in (0, 1):
        raise SystemExit(done.stdout[-2000:] + done.stderr[-2000:])
    return time.monotonic() - began_at if done.returncode else None


def _told(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds:.0f} s"


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


if __name__ == "__main__":
    raise SystemExit(main())

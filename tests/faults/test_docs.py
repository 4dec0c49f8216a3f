"""docs/reliability.md names every fault, and each test that it names is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (\d+) \| .*\|$", PAGE, re.MULTILINE)
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)


def test_all_fifty_faults_have_a_row():
    assert [int(number) for number in ROWS] == list(range(1, 51))


def test_what_has_no_test_says_why():
    for line in PAGE.splitlines():
        if re.match(r"\| \d+ \|", line) and "`tests/" not in line:
            assert "**not run**: " in line, line


def test_each_named_test_is_there():
    missing = [
        f"{file}::{name}" for file, name in NAMED if name not in functions(ROOT / file)
    ]
    assert len(NAMED) > 40
    assert missing == []


def functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}

"""Files and functions stay small enough to be read whole (STYLE, Files)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILE_LINES, FUNCTION_LINES, SCRIPT_LINES = 300, 50, 50
PYTHON = sorted((*ROOT.glob("portal/**/*.py"), *ROOT.glob("tests/**/*.py")))


@pytest.mark.parametrize("path", PYTHON, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_says_what_it_owns_and_stays_small(path: Path):
    """A first line that is a docstring, no long file, no long function."""
    text = path.read_text(encoding="utf-8")

    assert too_long(text) == []
    assert not text.strip() or ast.get_docstring(ast.parse(text))


def test_our_own_script_stays_short():
    """What runs in the browser beside htmx is less than fifty lines a file."""
    own = [p for p in ROOT.glob("static/**/*.js") if "vendor" not in p.parts]

    assert {p.name: n for p in own if (n := _lines(p)) > SCRIPT_LINES} == {}


def test_what_is_too_long_is_told():
    """The rule can fail: one line too many in a file and in a function."""
    body = "    x = 1\n" * FUNCTION_LINES
    filler = "\n" * FILE_LINES

    assert too_long(f"async def long():\n{body}") == ["long has 51 lines"]
    assert too_long(f"x = 1\n{filler}y = 2\n") == ["the file has 302 lines"]


def too_long(text: str) -> list[str]:
    lines = len(text.splitlines())
    found = [f"the file has {lines} lines"] if lines > FILE_LINES else []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            if length > FUNCTION_LINES:
                found.append(f"{node.name} has {length} lines")
    return found


def _lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())

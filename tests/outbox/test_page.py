"""docs/outbox.md has every line, rule, lock and hole, and each one has its tests."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "outbox.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| ([AL]?\d+)((?: \w+)?) \|(.*)\|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
HERE = "both_databases"
POSTGRESQL = ("postgresql_settings", "postgresql_server")


def _rows(heading: str) -> dict[str, list[tuple[str, str]]]:
    """The tests of each row below a heading."""
    text = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return {row[1]: TEST.findall(row[3]) for row in ROW.finditer(text)}


LINES, RULES = _rows("Lines"), _rows("Rules of arrival")
LOCKS, HOLES = _rows("Locks"), _rows("Holes")


def test_nothing_of_the_table_is_missing():
    assert list(LINES) == [str(number) for number in range(1, 28)]
    assert list(RULES) == ["A1", "A2", "A3", "A4"]
    assert list(LOCKS) == [f"L{number}" for number in range(1, 12)]
    assert list(HOLES) == [str(number) for number in range(1, 17)]


@pytest.mark.parametrize("rows", [LINES, RULES, HOLES], ids=["lines", "rules", "holes"])
def test_each_has_a_test_on_both_databases(rows):
    for number, tests in rows.items():
        assert any(_runs_on(*each) == {"sqlite", "postgresql"} for each in tests), (
            number
        )


def test_each_lock_has_tests_on_postgresql():
    for number, tests in LOCKS.items():
        assert tests, number
        assert all("postgresql" in _runs_on(*each) for each in tests), number


def test_a_test_of_a_hole_says_so():
    for number, tests in HOLES.items():
        for file, name in tests:
            said = f"{name} {ast.get_docstring(_functions(file)[name]) or ''}"
            assert re.search(rf"hole[ _]{number}\b", said.lower().replace("_", " ")), (
                name
            )


def test_each_named_test_is_there():
    named = TEST.findall(PAGE)
    assert [each for each in named if each[1] not in _functions(each[0])] == []


@cache
def _tree(file: str) -> ast.Module:
    return ast.parse((ROOT / file).read_text(encoding="utf-8"))


def _functions(file: str) -> dict[str, ast.FunctionDef]:
    return {each.name: each for each in _tree(file).body if _is_function(each)}


def _is_function(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef)


def _runs_on(file: str, name: str) -> set[str]:
    """By its own arguments and marks, and by those of its file."""
    found = _functions(file)
    test = found[name]
    asked = {each.arg for each in test.args.args}
    marks = [ast.unparse(each) for each in test.decorator_list]
    names = _names(file)
    said = [*asked, *marks, *(names.get(each, "") for each in (*marks, "pytestmark"))]
    if asked & set(POSTGRESQL):
        return {"postgresql"}
    if not any(HERE in each for each in said):
        return {"sqlite"}
    # A file of locks says for itself that they are PostgreSQL's.
    return {"postgresql"} if HERE in found else {"sqlite", "postgresql"}


def _names(file: str) -> dict[str, str]:
    """What stands behind the names that a file gives, such as `pytestmark`."""
    return {
        target.id: ast.unparse(each.value)
        for each in _tree(file).body
        if isinstance(each, ast.Assign)
        for target in each.targets
        if isinstance(target, ast.Name)
    }

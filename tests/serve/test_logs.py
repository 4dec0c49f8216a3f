"""One line a record, whatever a relay put into it."""

from __future__ import annotations

import json
import logging
import sys

import pytest

from portal.cli.logs import JsonLines, TextLines


def record(message: str, *values: object, error: bool = False) -> logging.LogRecord:
    trace = sys.exc_info() if error else None
    return logging.LogRecord(
        "portal.engine", logging.INFO, "f.py", 1, message, values, trace
    )


def test_text_is_one_line_with_time_level_and_place():
    line = TextLines().format(record("sent %s", "m1"))

    at, level, name, rest = line.split(" ", 3)
    assert at.endswith("Z")
    assert (level, name, rest) == ("INFO", "portal.engine:", "sent m1")


def test_what_a_relay_said_does_not_begin_a_line():
    line = TextLines().format(record("%s", "550 no\r\n2026 INFO forged\x1b[2J\u2028x"))

    assert len(line.splitlines()) == 1
    assert "\x1b" not in line


def test_json_is_one_object_a_line():
    line = JsonLines().format(record("%s", 'a "quoted"\nword'))

    found = json.loads(line)
    assert "\n" not in line
    assert found["message"] == 'a "quoted"\nword'
    assert (found["level"], found["logger"]) == ("info", "portal.engine")


@pytest.mark.parametrize("lines", [TextLines(), JsonLines()])
def test_a_traceback_shows_no_values(lines):
    def sign_in(password: str) -> None:
        raise RuntimeError("the relay hung up")

    secret = "open" + " sesame"
    try:
        sign_in(secret)
    except RuntimeError:
        line = lines.format(record("failed", error=True))

    assert "RuntimeError: the relay hung up" in line
    assert "sign_in" in line
    assert "open sesame" not in line

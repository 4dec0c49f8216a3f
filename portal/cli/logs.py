"""Log lines on standard error: one line a record, for people or for programs."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Literal

# Chatty below a warning, and some of it with values: statements of SQL, addresses.
_QUIET = ("peewee", "mail.log", "mail.debug", "asyncio")
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}
_CONTROLS |= {0x2028: "\\u2028", 0x2029: "\\u2029"}


def configure(form: Literal["text", "json"], level: str) -> None:
    """Everything that is logged from here on goes to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)


class TextLines(logging.Formatter):
    """`2026-11-21T09:14:07.512Z INFO portal.engine: what`; a traceback follows it.

    What a relay said may stand in a message, so nothing in it breaks the line.
    """

    def format(self, record: logging.LogRecord) -> str:
        words = record.getMessage().translate(_CONTROLS)
        line = f"{_at(record)} {record.levelname} {record.name}: {words}"
        trace = _trace(record)
        return f"{line}\n{trace}" if trace else line


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        found = {
            "at": _at(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        trace = _trace(record)
        return json.dumps(found | ({"trace": trace} if trace else {}))


def _at(record: logging.LogRecord) -> str:
    at = datetime.fromtimestamp(record.created, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _trace(record: logging.LogRecord) -> str:
    """Files and lines, never the values of variables: one may be a secret."""
    if record.exc_info is None or record.exc_info[0] is None:
        return ""
    return "".join(traceback.format_exception(*record.exc_info)).rstrip()

"""Writes the last part of docs/deliverability.md: every reason, from its words.

Run it after a change of the words: `python -m tests.house.reasons`
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

from portal.deliverability.types import CheckName
from portal.services.reasons import words

ROOT = Path(__file__).parents[2]
PATH = ROOT / "docs" / "deliverability.md"
TABLE = ROOT / "portal" / "services" / "reasons" / "words.toml"
HEADING = "## Every reason"
INTRODUCTION = (
    "The words in `reasons` of `portal dns --json`, with what the page says of them."
    " The last part of this page is made of portal/services/reasons/words.toml:"
    " `python -m tests.house.reasons`."
)
_EXAMPLE = {
    "host": "example.com",
    "effective_policy": "none",
}


def document(page: str) -> str:
    """The page with its last part as the words have it now."""
    return "\n".join([page.partition(HEADING)[0].rstrip("\n"), "", *_lines()]) + "\n"


def _lines() -> Iterator[str]:
    yield HEADING
    yield ""
    yield INTRODUCTION
    ids = list(tomllib.loads(TABLE.read_text(encoding="utf-8"))["reason"])
    filled = words.words_of(
        _EXAMPLE, domain="example.com", provider="the provider", where="the name"
    )
    for check in CheckName:
        yield from _table(words.label(check), check, ids, filled)
    yield from _table("Could not be checked", "dns", ids, filled)


def _table(
    title: str, prefix: str, ids: list[str], filled: dict[str, str]
) -> Iterator[str]:
    yield ""
    yield f"### {title}"
    yield ""
    yield "| reason | what it means | what to do beside publishing what it shows |"
    yield "| --- | --- | --- |"
    for id_ in ids:
        if id_.startswith(f"{prefix}_"):
            told = words.reason(id_, filled)
            remedy = told.remedy or "-"
            yield f"| `{id_}` | {told.title}. {told.why} | {remedy} |"


if __name__ == "__main__":
    PATH.write_text(document(PATH.read_text(encoding="utf-8")), encoding="utf-8")

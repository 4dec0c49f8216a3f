"""Writes docs/deliverability.md: what is checked, how it is watched, every reason.

Run it after a change of the words: `python -m tests.house.reasons`
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

from portal.deliverability.types import CheckName
from portal.services.domains import words

ROOT = Path(__file__).parents[2]
PATH = ROOT / "docs" / "deliverability.md"
TABLE = ROOT / "portal" / "services" / "domains" / "words.toml"
INTRODUCTION = """\
# Will it reach the inbox

The portal looks at the DNS of a sender's domains as receivers do, and knows the provider: with most services SPF is a matter of the envelope domain, which is theirs, so that “include missing” would be a false alarm. `portal dns shop.example --provider postmark` tells the same in a terminal, without a database.

- Each check is `pass`, `warn`, `fail`, `info` (optional, not set up) or `unknown`. Unknown means that nobody could tell: never publish a second record because of it. Its last known state stands beside it.
- What fails comes with the records to publish: the host as a DNS panel wants it, the full name, the value (SPF merged into the record that is there), and “DNS only” where a proxy would hide it.
- A check asks at most 60 questions, waits 2 seconds for each with one more try, and ends within 10 seconds. Nothing is kept between two checks. A tenant has 6 a minute and 200 a day.
- The policy of MTA-STS is the only thing that is fetched, through the same guard as every relay. Names of an inner network (`.internal`, `.local`, …) are not asked for.

## The watch

Every sender is looked at once a day and within seconds after it was changed or put to use; it can be switched off for each. When a check of a sender in use gets worse (green to amber or red, amber to red), owners and admins get one mail by the way that mail takes at that moment, and the overview says so until it is mended; then one mail says that it is in order again. What could not be checked turns nothing. The audit has `domain.checked` for each check that somebody asked for or that found a change. What the checks came to is kept by day for 400 days.

A portal that has just started waits a minute before it looks. The questions go to the resolver of the machine, or to `PORTAL_DNS`.

## Every reason

The words in `reasons` of `portal dns --json`, with what the page says of them."""
_EXAMPLE = {
    "host": "example.com",
    "effective_policy": "none",
}


def document() -> str:
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
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
    PATH.write_text(document(), encoding="utf-8")

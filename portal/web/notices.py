"""A word about what was just done, shown once, on this page or after a redirect."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from flask import Response, g

from portal.web import carried


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    text: str
    state: str = "pass"


def say(text: str, state: str = "pass") -> None:
    g.setdefault("notices", []).append(Notice(text=text, state=state))


def notices() -> list[Notice]:
    """For `parts.html`: what is to be shown now."""
    said: list[Notice] = g.pop("notices", [])
    return _left() + said


def carry(response: Response) -> Response:
    """On a redirect: what was said waits for the next page."""
    said: list[Notice] = g.pop("notices", [])
    if said:
        carried.put(response, "notice", json.dumps([asdict(each) for each in said]))
    return response


def _left() -> list[Notice]:
    text = carried.take("notice")
    return [Notice(**each) for each in json.loads(text)] if text else []

"""The verdicts of the last weeks as bars: a day each, the worst at the foot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from markupsafe import Markup, escape

from portal.deliverability.types import Status
from portal.services.domains import Verdicts
from portal.web import words

WIDTH, HEIGHT, SLOTS = 10, 100, 14
LEGEND = (
    (Status.FAIL.value, "to mend"),
    (Status.WARN.value, "to improve"),
    (Status.UNKNOWN.value, "not known"),
    (Status.PASS.value, "in order"),
)
_GAP = 0.7


def bars(days: Sequence[Verdicts]) -> Markup:
    """Stacked bars in a box that stretches with the page. What is only not set up is
    no verdict and is not drawn."""
    top = max((sum(_counts(each).values()) for each in days), default=1)
    slots = [(each.day - days[0].day).days for each in days]  # a gap stays one
    wide = max([SLOTS, *(at + 1 for at in slots)]) * WIDTH
    drawn = Markup("").join(
        rect
        for at, day in zip(slots, days, strict=True)
        for rect in _stack(day, at, max(top, 1))
    )
    return Markup(
        '<svg viewBox="0 0 {0} {1}" preserveAspectRatio="none" role="img" '
        'aria-label="{2}"><path class="rule" d="M0 0H{0}M0 50H{0}"/>{3}</svg>'
    ).format(wide, HEIGHT, sentence(days), drawn)


def sentence(days: Sequence[Verdicts]) -> str:
    """What the chart shows, for those who do not see it."""
    if not days:
        return "No verdict yet."
    told = Counter(str(each.status) for each in days)
    named = {"pass": "all in order", "warn": "with something to improve"}
    named |= {"fail": "with something to mend", "unknown": "not known"}
    parts = [
        f"{words.count(told[name], 'day')} {word}"
        for name, word in named.items()
        if told[name]
    ]
    return f"Verdicts of {words.count(len(days), 'day')}: {', '.join(parts)}."


def dated(day: Verdicts) -> str:
    return f"{day.day.day} {day.day:%b}"


def numbers(day: Verdicts) -> tuple[int, ...]:
    """In the order of the legend."""
    told = _counts(day)
    return tuple(told.get(name, 0) for name, _ in LEGEND)


def _counts(day: Verdicts) -> dict[str, int]:
    told = Counter(str(each) for each in day.statuses.values())
    return {name: told[name] for name, _ in LEGEND if told[name]}


def _stack(day: Verdicts, at: int, top: int) -> list[Markup]:
    found, y = [], float(HEIGHT)
    for name, many in _counts(day).items():
        height = many * HEIGHT / top
        y -= height
        found.append(
            Markup(
                '<rect data-series="{}" x="{}" y="{:.1f}" width="8" height="{:.1f}"/>'
            ).format(escape(name), at * WIDTH + 1, y, max(height - _GAP, 1))
        )
    return found

"""The bars of the last hours: geometry in attributes, every word is HTML around it."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

from portal.services.overview import Hour

SERIES = ("sent", "captured", "waiting", "failed")
WIDTH, HEIGHT = 10, 100
_LEAST = 1.6  # per cent: one failure among thousands is still seen
_GAP = 0.7


def bars(hours: Sequence[Hour], sentence: str) -> Markup:
    """Stacked bars in a box that stretches with the page."""
    top = max(1, *(hour.total for hour in hours))
    drawn = Markup("").join(
        rect for index, hour in enumerate(hours) for rect in _stack(hour, index, top)
    )
    return Markup(
        '<svg viewBox="0 0 {0} {1}" preserveAspectRatio="none" role="img" '
        'aria-label="{2}"><path class="rule" d="M0 0H{0}M0 50H{0}"/>{3}</svg>'
    ).format(len(hours) * WIDTH, HEIGHT, sentence, drawn)


def legend(hours: Sequence[Hour]) -> list[tuple[str, int]]:
    """The series that are always told, and those that occur."""
    totals = [(name, sum(getattr(hour, name) for hour in hours)) for name in SERIES]
    return [(name, many) for name, many in totals if many or name in ("sent", "failed")]


def sentence(hours: Sequence[Hour]) -> str:
    """What the chart shows, for those who do not see it."""
    busiest = max(hours, key=lambda hour: hour.total)
    if not busiest.total:
        return "No mail in the last 24 hours."
    totals = ", ".join(f"{many:,} {name}" for name, many in legend(hours))
    return (
        f"Mails an hour, last 24 hours: {totals}. Most in the hour from "
        f"{busiest.begins_at:%H:%M} UTC with {busiest.total:,}."
    )


def _stack(hour: Hour, index: int, top: int) -> list[Markup]:
    found, y = [], float(HEIGHT)
    for name in SERIES:
        value = getattr(hour, name)
        if not value:
            continue
        height = max(value * HEIGHT / top, _LEAST)
        y -= height
        found.append(
            Markup(
                '<rect data-series="{}" x="{}" y="{:.1f}" width="8" height="{:.1f}"/>'
            ).format(escape(name), index * WIDTH + 1, y, height)
        )
        y -= _GAP
    return found

"""How values are written on a page: times, sizes, names that may break."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from markupsafe import Markup, escape

_BREAKS = re.compile(r"\.(?=[A-Za-z_])|(?<=\S)@")
_MONTHS = (
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
)


def dns(name: str) -> Markup:
    """A host name, address or record that may break after its dots and before
    its @, never inside a label or an IPv4 address."""
    return Markup(  # noqa: S704, escaped first; only `<wbr>` is put in
        _BREAKS.sub(lambda m: ".<wbr>" if m[0] == "." else "<wbr>@", str(escape(name)))
    )


def when(at: datetime, now: datetime | None = None) -> str:
    """The time of today, or the day and the time; always UTC."""
    at, now = at.astimezone(UTC), now or datetime.now(UTC)
    if at.date() == now.date():
        return f"{at:%H:%M:%S}"
    year = "" if at.year == now.year else f" {at.year}"
    return f"{at.day} {_MONTHS[at.month - 1]}{year}, {at:%H:%M}"


def iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def span(seconds: float) -> str:
    """A duration in its largest whole unit: 40 seconds, 3 hours."""
    for size, word in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            return count(int(seconds // size), word)
    return count(int(seconds), "second")


def ago(at: datetime, now: datetime | None = None) -> str:
    passed = ((now or datetime.now(UTC)) - at).total_seconds()
    return "just now" if passed < 1 else f"{span(passed)} ago"


def count(number: int, word: str, plural: str = "") -> str:
    """`1 mail`, `1,204 mails`."""
    return f"{number:,} {word if number == 1 else plural or word + 's'}"


def size(number: int) -> str:
    """Bytes as a person reads them: 812 bytes, 18 KB, 2.4 MB."""
    if number < 1000:
        return count(number, "byte")
    if number < 1_000_000:
        return f"{number / 1000:.0f} KB"
    return f"{number / 1_000_000:.1f} MB"


def ms(number: int) -> str:
    return f"{number} ms" if number < 1000 else f"{number / 1000:.1f} s"


FILTERS = {
    "dns": dns,
    "when": when,
    "iso": iso,
    "span": span,
    "ago": ago,
    "count": count,
    "size": size,
    "ms": ms,
}

"""How long something took, as a person reads it."""

from __future__ import annotations

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def lasting(seconds: int) -> str:
    """In its two largest units: `45 s`, `15 min 7 s`, `1 d`, `3 d 4 h`."""
    parts = []
    for size, word in _UNITS:
        count, seconds = divmod(seconds, size)
        parts.append((count, word))
    first = next((n for n, (count, _) in enumerate(parts) if count), len(parts) - 1)
    shown = [
        part for n, part in enumerate(parts[first : first + 2]) if part[0] or not n
    ]
    return " ".join(f"{count} {word}" for count, word in shown)

"""How often something may happen: counted in the database, for all processes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from math import ceil
from types import MappingProxyType

from portal.errors import FieldError, TooMany
from portal.services import windows
from portal.services.installation import Installation
from portal.services.windows import window
from portal.store.database import transaction
from portal.store.fields import now
from portal.store.models import Counter

PREFIX = "limit:"
LONGEST = timedelta(days=2)
_NO_FIELDS: Mapping[str, str] = MappingProxyType({})


def spend(
    installation: Installation,
    name: str,
    *,
    limit: int,
    window_s: int,
    cost: int = 1,
    sentence: str = "Too many at once. Try again {when}.",
) -> None:
    """Count one use of `name`, or refuse: at most `limit` in any `window_s`.

    Two fixed windows are weighed into a sliding one. `{when}` in the sentence
    becomes "in 3 minutes". Raises TooMany, and then nothing is counted.
    """
    costs = {name: cost}
    spend_all(installation, costs, limit=limit, window_s=window_s, sentence=sentence)


def spend_all(
    installation: Installation,
    costs: Mapping[str, int],
    *,
    limit: int,
    window_s: int,
    sentence: str = "Too many at once. Try again {when}.",
    fields: Mapping[str, str] = _NO_FIELDS,
) -> None:
    """Count so many uses of each name, or refuse all when one of them is used up.

    `fields` are those of the request that a name stands for; TooMany names them.
    """
    if not installation.settings.limits or not costs:
        return
    with transaction():
        waits_s = _count(costs, limit, window_s)
        if waits_s:
            wait_s = max(waits_s.values())
            told = sentence.replace("{when}", _when(wait_s))
            named = [fields[name] for name in waits_s if name in fields]
            errors = tuple(FieldError(field, told) for field in named)
            raise TooMany(told, retry_after_s=wait_s, errors=errors)


def overdraw(
    installation: Installation, costs: Mapping[str, int], *, limit: int, window_s: int
) -> timedelta:
    """Count in any case, and answer how much later what is beyond must happen: each
    `limit` of it by one more window."""
    if not installation.settings.limits or not costs:
        return timedelta(0)
    waits_s = _count(costs, limit, window_s)
    return timedelta(seconds=max(waits_s.values(), default=0))


def _count(costs: Mapping[str, int], limit: int, window_s: int) -> dict[str, int]:
    """Seconds to wait for each name that is used up."""
    here = window(now(), window_s)
    kept = {PREFIX + name: cost for name, cost in costs.items()}
    used = windows.add(kept, here.begin)
    earlier = windows.look(kept, here.earlier)
    waits_s = {}
    for name, cost in kept.items():
        before = earlier.get(name, 0)
        if here.weighed(used[name], before) > limit:
            wait_s = here.wait_s(limit - cost, used[name] - cost, before)
            beyond = max(used[name] - cost - limit, 0) // limit
            waits_s[name.removeprefix(PREFIX)] = wait_s + beyond * window_s
    return waits_s


def hashed(text: str) -> str:
    """A name for what is too long, or too private, to be one."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def forgive(name: str, *, window_s: int) -> None:
    """Forget the uses of `name`: whoever was counted has shown to be welcome."""
    Counter.delete().where(
        Counter.name == PREFIX + name,
        Counter.window_at >= window(now(), window_s).earlier,
    ).execute()


def give_back(name: str, *, window_s: int, cost: int = 1) -> None:
    """Take back one use that did not happen after all."""
    Counter.update(used=Counter.used - cost).where(
        Counter.name == PREFIX + name,
        Counter.window_at == window(now(), window_s).begin,
        Counter.used >= cost,
    ).execute()


def sweep() -> int:
    """Remove what no window looks at any more; for the schedule."""
    old = Counter.window_at < now() - LONGEST
    ours = Counter.name.startswith(PREFIX) | Counter.name.startswith(windows.PACE)
    return int(Counter.delete().where(old, ours).execute())


def _when(wait_s: int) -> str:
    if wait_s < 100:
        return "in a minute" if wait_s > 50 else f"in {wait_s} seconds"
    if wait_s < 5400:
        return f"in {ceil(wait_s / 60)} minutes"
    return f"in {ceil(wait_s / 3600)} hours"

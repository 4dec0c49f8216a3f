"""How often something may happen: counted in the database, for all processes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import timedelta
from math import ceil

from portal.errors import TooMany
from portal.services import windows
from portal.services.installation import Installation
from portal.services.windows import window
from portal.store.database import transaction
from portal.store.fields import now
from portal.store.models import Counter

PREFIX = "limit:"
LONGEST = timedelta(days=2)


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
    spend_all(
        installation,
        [name],
        limit=limit,
        window_s=window_s,
        cost=cost,
        sentence=sentence,
    )


def spend_all(
    installation: Installation,
    names: Iterable[str],
    *,
    limit: int,
    window_s: int,
    cost: int = 1,
    sentence: str = "Too many at once. Try again {when}.",
) -> None:
    """Count one use of each of `names`, or refuse all when one is used up."""
    kept = sorted({PREFIX + name for name in names})
    if not installation.settings.limits or not kept:
        return
    here = window(now(), window_s)
    with transaction():
        used = windows.add(kept, here.begin, cost)
        earlier = windows.look(kept, here.earlier)
        waits_s = [
            here.wait_s(limit - cost, used[name] - cost, earlier.get(name, 0))
            for name in kept
            if here.weighed(used[name], earlier.get(name, 0)) > limit
        ]
        if waits_s:
            raise TooMany(
                sentence.replace("{when}", _when(max(waits_s))),
                retry_after_s=max(waits_s),
            )


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

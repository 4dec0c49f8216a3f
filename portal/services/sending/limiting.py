"""What a caller may send at once: a key, to one recipient, through the platform.

Never the quota, which no patience passes (`services/quota.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from portal.services import limits
from portal.services.actor import Actor
from portal.services.senders.kinds import RouteKind
from portal.services.senders.routing import RouteNow
from portal.services.sending.planning import Plan

KEY_LIMIT = 100  # messages a minute and key
KEY_WINDOW_S = 60
BURST = 5  # messages an hour from one key to one recipient
HOUR_S = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limit:
    costs: dict[str, int]
    limit: int
    window_s: int
    sentence: str
    fields: dict[str, str] = field(default_factory=dict)


def spend(
    actor: Actor, plans: Sequence[Plan], route: RouteNow, *, patient: bool
) -> timedelta:
    """Count these mails in the transaction that accepts them.

    Raises TooMany; a patient caller gets the wait instead, and what it queues
    counts all the same.
    """
    if not actor.installation.settings.limits:
        return timedelta(0)
    waits = [timedelta(0)]
    for each in _limits(actor, plans, route):
        if patient:
            waits.append(
                limits.overdraw(
                    actor.installation,
                    each.costs,
                    limit=each.limit,
                    window_s=each.window_s,
                )
            )
        else:
            limits.spend_all(
                actor.installation,
                each.costs,
                limit=each.limit,
                window_s=each.window_s,
                sentence=each.sentence,
                fields=each.fields,
            )
    return max(waits)


def _limits(actor: Actor, plans: Sequence[Plan], route: RouteNow) -> Iterator[_Limit]:
    if actor.key is not None:
        yield _Limit(
            costs={f"send:{actor.key.id}": len(plans)},
            limit=KEY_LIMIT,
            window_s=KEY_WINDOW_S,
            sentence=f"This key sends at most {KEY_LIMIT} messages a minute."
            " Try again {when}.",
        )
    if actor.key is not None and not route.captured:  # the sandbox bothers nobody
        yield _bursts(actor.key.id, plans)
    default = actor.installation.settings.default_sender
    if route.kind is RouteKind.PLATFORM and default and default.per_hour:
        yield _Limit(
            costs={"platform": sum(len(row.recipients) for row in plans)},
            limit=default.per_hour,
            window_s=HOUR_S,
            sentence="The platform's default sender takes at most"
            f" {default.per_hour} recipients an hour. Try again {{when}}.",
        )


def _bursts(key_id: int, plans: Sequence[Plan]) -> _Limit:
    costs: Counter[str] = Counter()
    fields: dict[str, str] = {}
    for number, row in enumerate(plans):
        place = f"[{number}]." if len(plans) > 1 else ""
        for name, mailbox in row.recipients:
            counter = f"burst:{key_id}:{limits.hashed(str(mailbox).lower())}"
            costs[counter] += 1
            fields.setdefault(counter, place + name)
    return _Limit(
        costs=dict(costs),
        limit=BURST,
        window_s=HOUR_S,
        sentence=f"One recipient gets at most {BURST} messages an hour by one key."
        " Try again {when}.",
        fields=fields,
    )

"""Lanes: through what a mail goes, and how much of it may be under way at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from portal.services.senders.fields import SANDBOX
from portal.services.senders.kinds import RouteKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A route and the sender version of it; connections are kept by lane."""

    route: RouteKind
    version_id: int | None  # None: not the tenant's own
    captured: bool = False  # it ends in the sandbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What this process can send through beside the tenants' relays."""

    platform: bool
    sandbox: bool
    per_hour: int | None = None  # recipients that the platform default may take

    def lane(self, version_id: int | None, provider: str | None) -> Lane:
        """The lane of a tenant whose route shows this version of this provider.

        Kind NONE where this process cannot carry it: it leaves such mail alone.
        """
        if version_id is not None:
            captured = provider == SANDBOX
            carried = self.sandbox or not captured
            route = RouteKind.SENDER if carried else RouteKind.NONE
            return Lane(route=route, version_id=version_id, captured=captured)
        if self.platform:
            return Lane(route=RouteKind.PLATFORM, version_id=None)
        route = RouteKind.SANDBOX if self.sandbox else RouteKind.NONE
        return Lane(route=route, version_id=None, captured=self.sandbox)


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How many more messages each lane and the process may take now."""

    total: int
    each: int  # of a lane that `left` does not name
    left: Mapping[Lane, int] = field(default_factory=dict)

    def of(self, lane: Lane) -> int:
        if lane.route is RouteKind.NONE:
            return 0
        return max(self.left.get(lane, self.each), 0)

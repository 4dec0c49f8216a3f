"""Senders: what a tenant configures, its versions, and where its mail goes."""

from portal.services.senders.carrying import Carrier, carrier, identity
from portal.services.senders.fields import Pacing, SenderFields
from portal.services.senders.kinds import RouteKind
from portal.services.senders.routing import (
    LeftBehind,
    RouteNow,
    adopt_platform,
    left_behind,
    move,
    route_now,
    wait_for_older,
)

__all__ = [
    "Carrier",
    "LeftBehind",
    "Pacing",
    "RouteKind",
    "RouteNow",
    "SenderFields",
    "adopt_platform",
    "carrier",
    "identity",
    "left_behind",
    "move",
    "route_now",
    "wait_for_older",
]

"""Senders: what a tenant configures, its versions, and where its mail goes."""

from portal.services.senders.activating import delete
from portal.services.senders.advice import port_note, usual_security
from portal.services.senders.applying import apply
from portal.services.senders.carrying import Carrier, carrier, identity
from portal.services.senders.checking import validate
from portal.services.senders.fields import OnLostReply, Pacing, SenderFields
from portal.services.senders.judging import Stored
from portal.services.senders.kinds import RouteKind
from portal.services.senders.reading import (
    Change,
    SenderView,
    VersionView,
    export,
    sender,
    senders,
    tenant_of,
    versions,
)
from portal.services.senders.routing import (
    LeftBehind,
    RouteNow,
    adopt_platform,
    left_behind,
    route_now,
    wait_for_older,
)
from portal.services.senders.saving import Saved, activate, disable, save

__all__ = [
    "Carrier",
    "Change",
    "LeftBehind",
    "OnLostReply",
    "Pacing",
    "RouteKind",
    "RouteNow",
    "Saved",
    "SenderFields",
    "SenderView",
    "Stored",
    "VersionView",
    "activate",
    "adopt_platform",
    "apply",
    "carrier",
    "delete",
    "disable",
    "export",
    "identity",
    "left_behind",
    "port_note",
    "route_now",
    "save",
    "sender",
    "senders",
    "tenant_of",
    "usual_security",
    "validate",
    "versions",
    "wait_for_older",
]

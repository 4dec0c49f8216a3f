"""The four ways a tenant's mail may go."""

from __future__ import annotations

from enum import StrEnum


class RouteKind(StrEnum):
    SENDER = "sender"
    PLATFORM = "platform"
    SANDBOX = "sandbox"
    NONE = "none"

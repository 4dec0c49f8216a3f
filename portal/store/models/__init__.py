"""The tables, each subject in its own file."""

from portal.store.models.base import Table, proxy, public_id
from portal.store.models.domains import DomainCheck, DomainVerdict, DomainWatch
from portal.store.models.hand_overs import HandOver
from portal.store.models.outbox import (
    Attempt,
    IdempotencyKey,
    Message,
    MessageContent,
    Recipient,
)
from portal.store.models.people import (
    ApiKey,
    BrowserSession,
    Membership,
    Person,
    SetupLink,
    Tenant,
)
from portal.store.models.searches import Search
from portal.store.models.senders import (
    LiveTest,
    Route,
    Sender,
    SenderSecret,
    SenderVersion,
    Standing,
)
from portal.store.models.tokens import OAuthConsent, OAuthToken
from portal.store.models.upkeep import AuditEvent, AuditHead, Capture, Counter, Note

ALL: tuple[type[Table], ...] = (
    Person,
    Tenant,
    Membership,
    BrowserSession,
    SetupLink,
    ApiKey,
    Sender,
    SenderVersion,
    SenderSecret,
    Route,
    Standing,
    LiveTest,
    Search,
    DomainCheck,
    DomainWatch,
    DomainVerdict,
    OAuthToken,
    OAuthConsent,
    HandOver,
    Message,
    MessageContent,
    Recipient,
    Attempt,
    IdempotencyKey,
    AuditEvent,
    AuditHead,
    Capture,
    Counter,
    Note,
)

__all__ = [
    "ALL",
    "ApiKey",
    "Attempt",
    "AuditEvent",
    "AuditHead",
    "BrowserSession",
    "Capture",
    "Counter",
    "DomainCheck",
    "DomainVerdict",
    "DomainWatch",
    "HandOver",
    "IdempotencyKey",
    "LiveTest",
    "Membership",
    "Message",
    "MessageContent",
    "Note",
    "OAuthConsent",
    "OAuthToken",
    "Person",
    "Recipient",
    "Route",
    "Search",
    "Sender",
    "SenderSecret",
    "SenderVersion",
    "SetupLink",
    "Standing",
    "Table",
    "Tenant",
    "proxy",
    "public_id",
]

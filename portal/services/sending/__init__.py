"""Accepting mail, reading what became of it, and changing what still can be."""

from portal.services.sending.accepting import Accepted, accept
from portal.services.sending.asking import Idempotency, Replay
from portal.services.sending.changing import cancel, decide, read_back
from portal.services.sending.reading import find, read
from portal.services.sending.shapes import message_json
from portal.services.sending.showing import Shown, show
from portal.services.sending.views import (
    AttemptView,
    Filter,
    MessageView,
    Page,
    RecipientView,
)
from portal.services.sending.watching import wait_for

__all__ = [
    "Accepted",
    "AttemptView",
    "Filter",
    "Idempotency",
    "MessageView",
    "Page",
    "RecipientView",
    "Replay",
    "Shown",
    "accept",
    "cancel",
    "decide",
    "find",
    "message_json",
    "read",
    "read_back",
    "show",
    "wait_for",
]

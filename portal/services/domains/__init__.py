"""The DNS of a sender's domains: checked by the engine, shown, and watched.

`start(actor, sender_id, number=None) -> id` asks for a check of a version (None: the
newest; Invalid, TooMany, Missing); `view(actor, sender_id, number=None) ->
DomainView`; `set_watch(actor, sender_id, on=…)`; `badges(actor) -> {sender_id:
Badge}`; `attention(actor) -> tuple[Attention, ...]` for the overview.
"""

from portal.services.domains.types import (
    Attention,
    Badge,
    Change,
    CheckView,
    DomainView,
    LastKnown,
    Reason,
    Rule,
    Verdict,
    Verdicts,
)

__all__ = [
    "Attention",
    "Badge",
    "Change",
    "CheckView",
    "DomainView",
    "LastKnown",
    "Reason",
    "Rule",
    "Verdict",
    "Verdicts",
]

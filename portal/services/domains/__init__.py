"""The DNS of a sender's domains: checked by the engine, shown, and watched."""

from portal.services.domains.of_versions import of_versions
from portal.services.domains.running import (
    Job,
    claim,
    finish,
    give_back,
    progress,
    tidy,
)
from portal.services.domains.starting import start
from portal.services.domains.summing import attention, badges, failing
from portal.services.domains.types import (
    Attention,
    Badge,
    Change,
    CheckView,
    DomainView,
    Failing,
    LastKnown,
    LookedAt,
    Verdict,
    Verdicts,
)
from portal.services.domains.viewing import view
from portal.services.domains.watching import look, set_watch
from portal.services.reasons.types import Reason, Rule

__all__ = [
    "Attention",
    "Badge",
    "Change",
    "CheckView",
    "DomainView",
    "Failing",
    "Job",
    "LastKnown",
    "LookedAt",
    "Reason",
    "Rule",
    "Verdict",
    "Verdicts",
    "attention",
    "badges",
    "claim",
    "failing",
    "finish",
    "give_back",
    "look",
    "of_versions",
    "progress",
    "set_watch",
    "start",
    "tidy",
    "view",
]

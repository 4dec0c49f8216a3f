"""What the page of a domain shows: the verdict, each check in words, what became of it.

Texts of `found`, `expected`, fixes and facts come out of the DNS: hostile, shown
escaped. Domains are A-labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from portal.deliverability.types import CheckName, Fix, Status
from portal.services.reasons.types import Reason, Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """All checks in one sentence. `about` is the check that it names, if it does."""

    status: Status
    sentence: str
    about: CheckName | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LastKnown:
    """What a check said before it could not be made."""

    status: Status
    title: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckView:
    """One check in words. `title` is that of the main reason, which is the first.
    `where` is the name in the DNS that it is about. `json` is the shape of
    `portal dns --json`."""

    check: CheckName
    label: str  # SPF, DKIM, TLS reports
    status: Status
    where: str
    title: str
    reasons: tuple[Reason, ...]
    found: tuple[str, ...] = ()
    expected: str | None = None  # as it would stand in the DNS
    expects: str = ""  # in words
    fixes: tuple[Fix, ...] = ()
    rules: tuple[Rule, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    last_known: LastKnown | None = None  # of an unknown one, if there is any
    json: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_left_open(self) -> bool:
        """Not known now; of a silent block list only if it had an address."""
        was = self.last_known
        return self.status is Status.UNKNOWN or (
            was is not None and was.status is Status.FAIL
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A check that is not what it was: "DMARC: there is no policy; was in order"."""

    check: CheckName
    before: Status
    after: Status
    sentence: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """What the checks of one day came to; a check that could not be made counts as
    it was last known."""

    day: date
    at: datetime  # of the last of them
    status: Status
    statuses: Mapping[CheckName, Status]
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedAt:
    """What the checks go by, beside the domains. `tokens`: how many selectors the
    provider gives, where it needs all of them and some are entered. `sends_itself`:
    an own relay, whose `relay_ips` and `blocklists` are the tenant's business;
    `inner_ips` no receiver ever sees."""

    selectors: tuple[str, ...] = ()
    tokens: int | None = None
    sends_itself: bool = False
    relay_ips: tuple[str, ...] = ()
    inner_ips: tuple[str, ...] = ()
    blocklists: tuple[str, ...] = ()

    @property
    def has_part(self) -> bool:
        """Some tokens are entered, and not all."""
        return self.tokens is not None and len(self.selectors) < self.tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainView:
    """The domain of one version of a sender.

    `running`: a check waits or is under way, `checks` grow and `pending` names those
    that are awaited; `verdict` comes with its end and is None before the first.
    `overdue`: no engine has taken it yet. `is_current`: the last check was of just
    what this version says. `problem` says why there can be no check (the sandbox,
    a name of an inner network); then there is nothing else.
    """

    sender_id: str
    version: int
    in_use: int | None  # the version that carries mail, and is watched
    domain: str
    envelope_domain: str | None  # None: the provider's own
    signing_domain: str
    provider: str | None  # its name
    running: bool
    overdue: bool
    checked_at: datetime | None
    is_current: bool
    verdict: Verdict | None
    checks: tuple[CheckView, ...]  # in the order of the page
    pending: tuple[str, ...]  # labels
    history: tuple[Verdicts, ...]  # the oldest first
    watch: bool
    next_at: datetime | None  # of the watch
    looked_at: LookedAt = LookedAt()
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Badge:
    """A sender's domain on its card: the last verdict, `None` before the first."""

    status: Status | None
    word: str
    failing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """A green check of a sender in use has turned, for the banner of the overview."""

    sender_id: str
    sender: str
    domain: str
    since: datetime
    turned: tuple[str, ...]  # sentences, the worst first
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Failing:
    """A sender in use whose mail receivers may refuse, though nothing has turned:
    it was never in order."""

    sender_id: str
    sender: str
    domain: str
    checks: tuple[str, ...]  # labels of those that fail

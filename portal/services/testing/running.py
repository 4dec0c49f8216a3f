"""A live test as the engine runs it: claimed, followed step by step, settled."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from portal.delivery.preflight import Asked
from portal.delivery.shown import step_json
from portal.delivery.types import Outcome, Relay, Step
from portal.diagnosis.types import Diagnosis, ProviderHints
from portal.errors import Fault
from portal.services import knowledge
from portal.services.installation import Installation
from portal.services.repairs import Case
from portal.services.senders.fields import SANDBOX
from portal.services.testing.mending import (
    Mending,
    at_once,
    ehlo_names,
    mending,
)
from portal.services.testing.preparing import Job, prepare
from portal.services.testing.settling import settle, settle_unrun
from portal.store.fields import now
from portal.store.models import LiveTest, OAuthConsent

log = logging.getLogger(__name__)

# A test ends within LIVE_TEST.total_s; whoever has it longer is gone.
LOST_AFTER = timedelta(seconds=60)
FORGOTTEN_AFTER = timedelta(days=1)
INTERRUPTED = "The process that ran this test has ended. Test again."


def claim(installation: Installation, owner: str) -> Job | None:
    """The oldest test that waits, now this process's own; None when there is none.

    A test that cannot even begin (a secret that does not open) is settled here.
    """
    while True:
        test = _take(installation, owner)
        if test is None:
            return None
        try:
            return prepare(installation, test)
        except Fault as fault:
            log.warning("live test %s cannot run: %s", test.public_id, fault.sentence)
            settle_unrun(installation, test, fault.sentence)


def progress(job: Job, steps: Sequence[Step]) -> bool:
    """Keep what is known so far. False: somebody asked to stop it."""
    kept = (
        LiveTest.update(steps=[step_json(step) for step in steps])
        .where(LiveTest.id == job.id, LiveTest.state == "running")
        .execute()
    )
    return bool(kept)


def finish(
    installation: Installation,
    job: Job,
    outcome: Outcome,
    asked: tuple[Asked, ...] = (),
) -> Mending | None:
    """The end of a conversation: steps, outcome, diagnosis, audit, version. What it
    answers is to be tried now, for the repairs to offer: `mended` takes these.
    `asked` is what a preflight has learnt."""
    case = _case(installation, job, outcome)
    everybody, owners = _diagnoses(outcome, job.relay, job.hints)
    todo = mending(job.id, case, everybody)
    settle(
        installation,
        job.id,
        outcome,
        relay=job.relay,
        captured=job.captured,
        diagnoses=(_repaired(everybody, case), _repaired(owners, case)),
        checking=todo is not None,
        asked=asked,
    )
    return todo


def tidy(installation: Installation) -> None:
    """Forget secrets whose time is over, those of consents too, tests of yesterday,
    and lost owners."""
    LiveTest.update(sealed=None).where(
        LiveTest.expires_at <= now(), LiveTest.sealed.is_null(False)
    ).execute()
    OAuthConsent.update(sealed=None).where(
        OAuthConsent.expires_at <= now(), OAuthConsent.sealed.is_null(False)
    ).execute()
    OAuthConsent.delete().where(
        OAuthConsent.created_at < now() - FORGOTTEN_AFTER
    ).execute()
    LiveTest.delete().where(LiveTest.created_at < now() - FORGOTTEN_AFTER).execute()
    lost = LiveTest.select().where(
        LiveTest.state.in_(("running", "stopping")),
        LiveTest.started_at < now() - LOST_AFTER,
    )
    for test in lost:
        settle_unrun(installation, test, INTERRUPTED)
    late = LiveTest.select().where(
        LiveTest.state == "waiting", LiveTest.expires_at <= now()
    )
    for test in late:
        settle_unrun(installation, test, "No engine took this test. Test again.")


def _take(installation: Installation, owner: str) -> LiveTest | None:
    """A look that finds nothing takes no lock; of two that find one, one gets it."""
    waiting = (
        LiveTest.select()
        .where(LiveTest.state == "waiting", LiveTest.expires_at > now())
        .order_by(LiveTest.id)
        .limit(50)
    )
    for test in waiting:
        if not _may_take(installation, test):
            continue
        taken = (
            LiveTest.update(state="running", owner=owner, started_at=now())
            .where(LiveTest.id == test.id, LiveTest.state == "waiting")
            .execute()
        )
        if taken:
            return LiveTest.get_by_id(test.id)
    return None


def _may_take(installation: Installation, test: LiveTest) -> bool:
    """A test of the sandbox is for the process that has it."""
    if test.settings.get("provider") != SANDBOX:
        return True
    return installation.sandbox_port() is not None


def _case(installation: Installation, job: Job, outcome: Outcome) -> Case:
    return Case(
        relay=job.relay,
        outcome=outcome,
        provider=installation.catalogue.get(job.provider),
        from_address=job.from_address,
        envelope=job.envelope,
        ehlo_names=ehlo_names(installation.settings),
    )


def _repaired(diagnosis: Diagnosis | None, case: Case) -> Diagnosis | None:
    if diagnosis is None:
        return None
    return replace(diagnosis, repairs=at_once(case, diagnosis))


def _diagnoses(
    outcome: Outcome, relay: Relay, hints: ProviderHints | None
) -> tuple[Diagnosis | None, Diagnosis | None]:
    """For everybody, and for owners: only these read the setting that allows a
    forbidden relay."""
    owners = knowledge.diagnose(outcome, relay, hints)
    if outcome.failure is None or outcome.failure.remedy is None:
        return owners, owners
    failure = replace(outcome.failure, remedy=None)
    everybody = knowledge.diagnose(replace(outcome, failure=failure), relay, hints)
    return everybody, owners

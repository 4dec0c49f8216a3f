"""What else two transactions may both want: a route, a pace, a quota, a key.

Each step is a transaction of its own connection and stays open until the test
commits it. Only PostgreSQL interleaves them.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from portal.errors import TooMany
from portal.services import quota, senders
from portal.services.outbox import marks, standing
from portal.services.outbox.claim import Claimed, claim
from portal.services.outbox.sql import fetch
from portal.services.senders.activating import move_to
from portal.services.sending.asking import Idempotency, Replay, keep_answer
from portal.store.fields import now
from portal.store.models import IdempotencyKey, Route, Standing, Tenant
from tests.outbox.conftest import MEANS, ROOM, Desk
from tests.outbox.sides import Side, wait_until_blocked

pytestmark = pytest.mark.usefixtures("both_databases")


@pytest.fixture
def both_databases() -> str:
    return "postgresql"


def _mark(desk: Desk, attempt: Claimed) -> bool:
    return marks.mark(
        desk.engine,
        attempt.attempt_id,
        accepted=[target.id for target in attempt.targets],
        refused={},
        timing=desk.timing,
    )


def _claim(desk: Desk) -> list[Claimed]:
    return claim(owner="worker-1", means=MEANS, room=ROOM, timing=desk.timing)


def test_the_answer_to_an_activation_waits_for_a_mark_and_names_it(desk, owner, sides):
    """Hole 2 as people meet it: "0 open" would be said while a dot goes out."""
    desk.message()
    attempt = desk.claim()
    other = desk.make.sender(desk.tenant, active=False)
    worker, _ = sides
    admin = Side()
    try:
        assert worker.do(partial(_mark, desk, attempt)).result()
        admin.commit()  # the service has transactions of its own

        saved = admin.do(
            partial(senders.activate, owner, other.sender.public_id, 1, patience_s=0)
        )
        wait_until_blocked(saved)
        worker.commit()

        left = saved.result().waiting
        assert (left.waiting, left.uncertain) == (1, 0)
    finally:
        admin.leave()
        admin.close()


def test_an_activation_waits_for_no_message(desk, owner, sides):
    """It writes the route's row alone, however many messages others hold."""
    desk.message()
    other = desk.make.sender(desk.tenant, active=False)
    worker, admin = sides
    assert len(worker.do(partial(_claim, desk)).result()) == 1

    assert admin.do(partial(move_to, owner, other)).result() is not None

    admin.commit()
    worker.commit()


def test_two_activations_of_one_route_go_one_after_the_other(desk, owner, sides):
    first, second = (desk.make.sender(desk.tenant, active=False) for _ in range(2))
    one, other = sides
    before = Route.get().fence
    one.do(partial(move_to, owner, first)).result()

    moved = other.do(partial(move_to, owner, second))
    wait_until_blocked(moved)
    one.commit()

    assert moved.result().fence == before + 2
    other.commit()
    assert Route.get().active_version_id == second.id


def test_a_claim_reads_version_and_fence_in_one_statement(desk, sides):
    """Hole 15: an activation commits between the choice of a sender and the claim.
    The old version with the new fence would pass its mark, through the old relay."""
    old = desk.make.sender(desk.tenant, pacing={"per_minute": 9, "max_connections": 1})
    desk.message()
    pace = standing.name_of(old.sender_id)
    Standing.create(name=pace)
    gate, worker = sides
    lock = "SELECT 1 FROM standing WHERE name = ? FOR UPDATE"
    gate.do(partial(fetch, lock, pace)).result()

    claimed = worker.do(partial(_claim, desk))
    wait_until_blocked(claimed)  # it has chosen the old sender
    new = desk.make.sender(desk.tenant, pacing={"max_connections": 2})
    gate.commit()
    (attempt,) = claimed.result()
    worker.commit()

    row, route = desk.attempt(attempt), Route.get()
    assert (row.version_id, row.claimed_fence) == (new.id, route.fence)
    assert attempt.lane.version_id == new.id
    assert attempt.standing == standing.name_of(new.sender_id)
    assert attempt.connections == 2


def test_two_claims_of_one_sender_share_its_limit(desk, sides):
    version = desk.make.sender(desk.tenant, pacing={"per_minute": 1})
    Standing.create(name=standing.name_of(version.sender_id))
    desk.message()
    desk.message()
    one, other = sides
    assert len(one.do(partial(_claim, desk)).result()) == 1

    second = other.do(partial(_claim, desk))
    wait_until_blocked(second)
    one.commit()

    assert second.result() == []
    other.commit()


def test_two_accepts_race_for_the_last_of_a_quota(desk, sides):
    Tenant.update(quota=2).execute()
    desk.run(partial(quota.reserve, desk.tenant, 1))  # the month has its row
    one, other = sides
    one.do(partial(quota.reserve, desk.tenant, 1)).result()

    late = other.do(partial(quota.reserve, desk.tenant, 1))
    wait_until_blocked(late)
    one.commit()

    with pytest.raises(TooMany):
        late.result()
    other.commit()
    assert quota.used(desk.tenant) == 2


def test_two_accepts_with_one_key_have_one_answer(desk, sides):
    one, other = sides
    assert one.do(partial(_keep, desk, "first")).result() is None

    late = other.do(partial(_keep, desk, "second"))
    wait_until_blocked(late)
    one.commit()

    assert late.result() == Replay(status=202, body="first")
    other.commit()
    assert IdempotencyKey.select().count() == 1


def _keep(desk: Desk, body: str) -> Replay | None:
    asked = Idempotency(key="k", fingerprint="f", answer=lambda messages: (202, body))
    return keep_answer(desk.tenant.id, asked, (), now() + timedelta(days=1))

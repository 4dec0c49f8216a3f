"""Faults 42 and 43: the route moves while fifty mails a second flow through it."""

from __future__ import annotations

import time

import pytest

from portal.services.senders.routing import NOTICE_S
from tests.faults.invariants import holds
from tests.faults.moody import KEEPING, Mood, Moody
from tests.faults.racing import (
    STEADY,
    Admin,
    flow,
    heard_between,
    sender_at,
    sender_in_use,
    together,
    until_settled,
)
from tests.faults.test_database import served

pytestmark = [
    pytest.mark.timeout(36_000),
    pytest.mark.usefixtures("both_databases"),
]
PER_S = 50
LOOK_S = 0.1  # so long nothing may come through the old sender
STAYS_S = 0.1  # until the next move
MOVES = {"sqlite": 8, "postgresql": 4}  # in CI
SILENT = (*KEEPING, Mood.CLOSES_UNKEPT)


@pytest.mark.xdist_group("races-cut-over")
def test_cut_over_under_flow(cradle, home, moody, size, seed, told, both_databases):
    """Fault 42. Two relays that leave one dot in thirty without an answer: what the
    answer names as waiting may still come, and nothing else."""
    one, other = (
        moody(share=0.03, seed=seed + n, moods=SILENT, pause_s=0.02) for n in range(2)
    )
    house = home(one)
    child = served(cradle, house, timing=STEADY, **_reaching(one, other))
    ids = {id(one): sender_in_use(house), id(other): sender_at(house, other)}
    admin, count = Admin(house), size(MOVES[both_databases], 200)
    old, new, named, longest_s = one, other, 0, 0.0

    with flow(house, PER_S):
        for _ in range(count):
            time.sleep(STAYS_S)
            asked = time.monotonic()
            waiting, uncertain = admin.uses(ids[id(new)])
            answered = time.monotonic()
            time.sleep(LOOK_S)
            late = heard_between(old, answered, time.monotonic())
            assert late.count("dot") <= waiting, late
            assert late.count("MAIL") == 0 or answered - asked >= NOTICE_S, late
            named += waiting + (uncertain > 0)
            longest_s = max(longest_s, answered - asked)
            old, new = new, old
    one.share = other.share = 0
    until_settled(house, child)
    assert child.stop() == 0, child.said[-3000:]

    found = holds(house, together(one, other))
    assert one.copies
    assert other.copies
    assert found.extra <= sum(
        each.met[mood] for each in (one, other) for mood in SILENT
    )
    injected = f"{count} × cut-over under {PER_S} mails a second ({both_databases})"
    held = f"0 late dots, answered within {longest_s:.1f} s; {found.line()}"
    told(42, injected, f"{held} (seed {seed})")


@pytest.mark.xdist_group("races-flapping")
def test_disabled_and_enabled_under_flow(
    cradle, home, moody, size, told, both_databases
):
    """Fault 43: each mail through the own sender or through the platform's."""
    own, platform = moody(pause_s=0.02), moody(pause_s=0.02)
    house = home(own)
    default = (
        f"smtp://127.0.0.1:{platform.port}?from=noreply@platform.example&security=none"
    )
    env = {**_reaching(own, platform), "PORTAL_DEFAULT_SENDER": default}
    child = served(cradle, house, timing=STEADY, **env)
    admin, sender = Admin(house), sender_in_use(house)
    count = size(MOVES[both_databases], 200)

    with flow(house, PER_S):
        for _ in range(count):
            for press, old in ((admin.disables, own), (admin.uses, platform)):
                time.sleep(STAYS_S)
                asked = time.monotonic()
                assert press(sender) == (0, 0)
                answered = time.monotonic()
                time.sleep(LOOK_S)
                late = heard_between(old, answered, time.monotonic())
                assert late.count("dot") == 0, late
                assert late.count("MAIL") == 0 or answered - asked >= NOTICE_S, late
    until_settled(house, child)
    assert child.stop() == 0, child.said[-3000:]

    found = holds(house, together(own, platform))
    assert found.extra == 0
    assert set(found.states) == {"sent"}
    assert own.copies.keys().isdisjoint(platform.copies)
    assert own.copies
    assert platform.copies
    ways = f"{len(own.copies)} by the own sender, {len(platform.copies)} by default"
    injected = f"{count} × disable and enable under {PER_S} mails a second"
    told(43, f"{injected} ({both_databases})", f"each sent once: {ways}; lost 0")


def _reaching(*relays: Moody) -> dict[str, str]:
    rules = ",".join(f"127.0.0.0/8:{relay.port}" for relay in relays)
    return {"PORTAL_RELAY_ALLOW": rules}

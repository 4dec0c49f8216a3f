"""Where the mail goes: version, platform default, sandbox, or nowhere."""

from __future__ import annotations

import dataclasses
import threading

import pytest

from portal.config import DefaultSender
from portal.crypto.seal import KeyRing
from portal.delivery.types import Auth, Security
from portal.errors import Unavailable
from portal.net.guard import GuardedNet
from portal.net.open import LoopbackNet
from portal.secret import Secret
from portal.services import audit, senders
from portal.services.actor import Actor
from portal.services.senders import RouteKind, carrier, identity, route_now
from portal.services.senders.routing import wait_for_older
from portal.store.database import connection
from portal.store.fields import now
from portal.store.models import Attempt, Route
from portal.store.vault import Locked, Vault

PLATFORM = DefaultSender(
    host="relay.example.net",
    port=587,
    security="starttls",
    username="platform",
    password=Secret("secret of the platform"),
    from_address="noreply@platform.example",
    from_name="Platform",
)


def with_(installation, *, sandbox: int | None = None, default=None):
    settings = dataclasses.replace(installation.settings, default_sender=default)
    return dataclasses.replace(
        installation, settings=settings, sandbox_port=lambda: sandbox
    )


def fence(actor: Actor) -> int:
    return Route.get(Route.tenant == actor.here.id).fence


def test_without_anything_there_is_no_route(installation, admin):
    route = route_now(installation, admin.here.id)

    assert (route.kind, route.captured) == (RouteKind.NONE, False)
    with pytest.raises(Unavailable):
        carrier(installation, route.kind, None, tenant_id=admin.here.id)


def test_the_sandbox_takes_what_nobody_else_does_and_says_so(installation, admin):
    with_sandbox = with_(installation, sandbox=4025)

    route = route_now(with_sandbox, admin.here.id)
    carried = carrier(with_sandbox, route.kind, None, tenant_id=admin.here.id)

    assert (route.kind, route.captured, route.host) == (RouteKind.SANDBOX, True, None)
    assert (carried.relay.port, carried.relay.auth) == (4025, Auth.NONE)
    assert carried.net == LoopbackNet(4025)


def test_the_platform_default_comes_before_the_sandbox(installation, admin, save):
    save(admin, reply_to_address="help@example.org")
    here = with_(installation, sandbox=4025, default=PLATFORM)

    route = route_now(here, admin.here.id)
    carried = carrier(here, route.kind, None, tenant_id=admin.here.id)

    assert (route.kind, route.captured) == (RouteKind.PLATFORM, False)
    assert (route.label, route.host) == ("Platform default", "relay.example.net")
    assert carried.relay.password.reveal() == "secret of the platform"
    assert str(carried.identity.from_.mailbox) == "noreply@platform.example"
    assert str(carried.identity.reply_to.mailbox) == "help@example.org"


def test_an_active_version_comes_first(installation, admin, save):
    saved = save(admin, activate=True)
    here = with_(installation, sandbox=4025, default=PLATFORM)

    route = route_now(here, admin.here.id)
    carried = carrier(here, route.kind, route.version_id, tenant_id=admin.here.id)

    assert (route.kind, route.sender_id) == (RouteKind.SENDER, saved.id)
    assert (route.label, route.host) == ("Acme mail", "smtp.example.org")
    assert carried.relay.password.reveal() == "open sesame"
    assert carried.relay.security is Security.STARTTLS
    assert carried.relay.ehlo_name == "portal.example.org"
    assert isinstance(carried.net, GuardedNet)
    assert "open sesame" not in repr(carried)


def test_an_active_sandbox_sender_captures(installation, admin, save):
    save(admin, provider="sandbox", activate=True)
    here = with_(installation, sandbox=4025)

    route = route_now(here, admin.here.id)
    carried = carrier(here, route.kind, route.version_id, tenant_id=admin.here.id)

    assert (route.kind, route.captured) == (RouteKind.SENDER, True)
    assert carried.net == LoopbackNet(4025)
    assert str(carried.identity.from_.mailbox) == "app@example.org"


def test_a_process_without_a_sandbox_carries_nothing_there(installation, admin, save):
    save(admin, provider="sandbox", activate=True)
    route = route_now(installation, admin.here.id)

    with pytest.raises(Unavailable, match="no sandbox"):
        carrier(installation, route.kind, route.version_id, tenant_id=admin.here.id)


def test_who_types_the_address_of_the_sandbox_meets_the_guard(
    installation, admin, save
):
    save(admin, host="127.0.0.1", port=4025, auth="none", activate=True)
    here = with_(installation, sandbox=4025)
    route = route_now(here, admin.here.id)

    carried = carrier(here, route.kind, route.version_id, tenant_id=admin.here.id)

    assert isinstance(carried.net, GuardedNet)
    assert carried.net.policy.allow == ()


def test_the_identity_of_a_route_opens_no_secret(installation, admin, save):
    save(admin, activate=True)
    route = route_now(installation, admin.here.id)
    locked = dataclasses.replace(installation, vault=None)

    found = identity(locked, route.kind, route.version_id, tenant_id=admin.here.id)

    assert str(found.from_.mailbox) == "app@example.org"


def test_a_locked_installation_carries_nothing(installation, admin, save):
    save(admin, auth="none", activate=True)
    shut = Vault(KeyRing.ephemeral(), locked=True)
    locked = dataclasses.replace(installation, vault=shut)
    route = route_now(locked, admin.here.id)

    with pytest.raises(Locked):
        carrier(locked, route.kind, route.version_id, tenant_id=admin.here.id)
    assert senders.adopt_platform(with_(locked, default=PLATFORM)) is False


def test_every_move_raises_the_fence_and_standing_still_does_not(
    both_databases, admin, save
):
    first = save(admin, activate=True)
    second = save(admin, sender_id=first.id, activate=True)
    fences = [fence(admin)]

    for step in (
        lambda: senders.activate(admin, first.id, 1, patience_s=0),
        lambda: senders.activate(admin, first.id, 1, patience_s=0),
        lambda: senders.activate(admin, first.id, second.version, patience_s=0),
        lambda: senders.disable(admin, patience_s=0),
        lambda: senders.disable(admin, patience_s=0),
    ):
        step()
        fences.append(fence(admin))

    assert fences == [2, 3, 3, 4, 5, 5]


def test_going_back_is_called_so(admin, owner, save):
    first = save(admin, activate=True)
    save(admin, sender_id=first.id, activate=True)

    senders.activate(admin, first.id, 1, patience_s=0)

    [event] = audit.events(owner, event="sender.rolled_back").events
    assert event.detail["version"] == 1
    assert event.detail["before"] == "Acme mail, version 2"


def test_the_answer_names_the_attempts_that_own_a_dot(
    both_databases, admin, make, save
):
    first = save(admin, activate=True)
    running, ended, answered, unmarked = (
        attempt(make, admin, dot=True),
        attempt(make, admin, dot=True, ended=True),
        attempt(make, admin, dot=True, answer="kept"),
        attempt(make, admin, dot=False),
    )

    saved = senders.activate(admin, first.id, 1, patience_s=0)
    moved = save(admin, sender_id=first.id, activate=True)

    assert {running, ended, answered, unmarked}  # four attempts are there
    assert (saved.waiting.waiting, saved.waiting.uncertain) == (0, 0)
    assert (moved.waiting.waiting, moved.waiting.uncertain) == (1, 1)


def test_the_wait_ends_when_the_last_dot_is_answered(admin, make, save):
    save(admin, activate=True)
    open_dot = attempt(make, admin, dot=True)
    answers: list[object] = []

    def wait() -> None:
        with connection():
            answers.append(wait_for_older(admin.here.id, 99, patience_s=30))

    waiting = threading.Thread(target=wait)
    waiting.start()
    Attempt.update(answer="kept", ended_at=now()).where(
        Attempt.id == open_dot
    ).execute()
    waiting.join(10)

    assert answers == [senders.LeftBehind(waiting=0, uncertain=0)]


def test_a_changed_platform_default_moves_all_who_go_through_it(
    both_databases, installation, admin, stranger, save
):
    save(admin, activate=True)
    Route.get_or_create(tenant=stranger.here.id)
    before = fence(admin), fence(stranger)

    first = senders.adopt_platform(with_(installation, default=PLATFORM))
    again = senders.adopt_platform(with_(installation, default=PLATFORM))
    changed = dataclasses.replace(PLATFORM, password=Secret("rotated"))
    rotated = senders.adopt_platform(with_(installation, default=changed))
    gone = senders.adopt_platform(with_(installation, default=None))

    assert (first, again, rotated, gone) == (True, False, True, True)
    assert (fence(admin), fence(stranger)) == (before[0], before[1] + 3)


def attempt(make, actor, *, dot: bool, ended: bool = False, answer=None) -> int:
    row = Attempt.create(
        message=make.message(actor.here, state="sending"),
        number=1,
        recipients=[],
        route="sender",
        claimed_fence=1,
        owner="test",
        dot_at=now() if dot else None,
        answer=answer,
        ended_at=now() if ended or answer else None,
    )
    return row.id

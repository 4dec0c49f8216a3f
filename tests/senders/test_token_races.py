"""Many that need a token at once: one asks, and no answer is ever lost."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from portal.delivery.grants import OAuth
from portal.delivery.tokens import Token, TokenRefusal
from portal.delivery.types import FailureKind
from portal.secret import Secret
from portal.services.senders import token_rows
from portal.services.senders.tokens import Timing
from portal.store.fields import now
from portal.store.models import OAuthToken
from tests.relays.tokens import INVALID_GRANT
from tests.senders.kept_tokens import access, ask, ended

PATIENCE_S = 30


@pytest.mark.usefixtures("both_databases")
def test_threads_that_need_a_token_at_once_ask_once(tokens, oauth, server):
    server.gate.clear()
    with ThreadPoolExecutor(4) as threads:
        waiting = [threads.submit(ask, tokens, oauth) for _ in range(4)]
        server.waiting(1)
        server.gate.set()
        found = {access(each.result(PATIENCE_S)) for each in waiting}

    assert len(found) == 1
    assert len(server.asked) == 1


@pytest.mark.usefixtures("both_databases")
def test_threads_that_are_refused_at_once_have_asked_once(tokens, oauth, server):
    """Also whoever looked before the refusal was kept, and may ask behind it."""
    server.always_says = INVALID_GRANT
    with ThreadPoolExecutor(16) as threads:
        waiting = [threads.submit(ask, tokens, oauth) for _ in range(48)]
        found = [each.result(PATIENCE_S) for each in waiting]

    assert {type(each) for each in found} == {TokenRefusal}
    assert len(server.asked) == 1


@pytest.mark.usefixtures("both_databases")
def test_processes_that_need_a_token_at_once_ask_once(
    settings, admin, oauth, server, authority
):
    server.gate.clear()
    with (
        process(settings, admin, oauth, authority) as one,
        process(settings, admin, oauth, authority) as other,
    ):
        server.waiting(1)
        server.gate.set()
        found = {each.communicate(timeout=PATIENCE_S)[0] for each in (one, other)}

    assert len(found) == 1
    assert server.user_of(found.pop().strip()) == server.user
    assert len(server.asked) == 1


@pytest.mark.usefixtures("both_databases")
def test_when_the_one_that_asks_is_killed_another_takes_over(
    settings, admin, oauth, server, authority, tokens
):
    server.rotates = False
    server.gate.clear()
    with process(settings, admin, oauth, authority, lease_s=1.0) as killed:
        server.waiting(1)
        killed.kill()
        killed.wait(PATIENCE_S)
    server.gate.set()

    found = ask(replace(tokens, timing=Timing(lease_s=1, poll_s=0.02)), oauth)

    assert server.user_of(access(found)) == server.user
    assert OAuthToken.get().refreshing_by is None


def test_an_answer_is_kept_though_nobody_waits_for_it_any_more(tokens, oauth, server):
    server.gate.clear()

    async def impatient() -> Token | TokenRefusal:
        first = await tokens.token(oauth, timeout_s=0.3)
        assert isinstance(first, TokenRefusal) and first.temporary
        await asyncio.to_thread(server.waiting, 1)
        server.gate.set()
        return await tokens.token(oauth, timeout_s=30)

    found = asyncio.run(impatient())

    assert server.user_of(access(found)) == server.user
    assert len(server.asked) == 1


def test_an_answer_that_cannot_be_written_yet_is_written_later(
    tokens, oauth, server, database, caplog
):
    server.gate.clear()
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(ask, tokens, oauth)
        server.waiting(1)
        database.execute_sql("ALTER TABLE oauth_token RENAME TO away")
        server.gate.set()
        while "not written yet" not in caplog.text:
            assert not waiting.done()
        database.execute_sql("ALTER TABLE away RENAME TO oauth_token")
        found = access(waiting.result(PATIENCE_S))

    assert access(ask(tokens, oauth)) == found
    ended()
    assert server.user_of(access(ask(tokens, oauth))) == server.user


@pytest.mark.parametrize(
    ("until_s", "is_free"), [(-1, True), (29, False), (31, False), (90, True)]
)
def test_a_lease_holds_to_its_end_and_a_clock_set_back_does_not_prolong_it(
    tokens, oauth, until_s, is_free
):
    """31: another one read the clock a moment after us and wrote before us."""
    vault = tokens.vault
    place = token_rows.place_of(vault, tokens.tenant_id, oauth)
    more = {"lease_s": 30, "refused": None, "asks_again": False}
    token_rows.take(vault, place, by="one", **more)
    OAuthToken.update(refreshing_until=now() + timedelta(seconds=until_s)).execute()

    taken = token_rows.take(vault, place, by="other", **more)

    assert (taken is not None) is is_free


def test_a_later_answer_is_not_overwritten_by_an_earlier_one(tokens, oauth, server):
    vault, place = (
        tokens.vault,
        token_rows.place_of(tokens.vault, tokens.tenant_id, oauth),
    )
    more = {"by": "slow", "lease_s": 30, "refused": None, "asks_again": False}
    slow = token_rows.take(vault, place, **more)
    OAuthToken.update(refreshing_until=now() - timedelta(seconds=1)).execute()
    ours = ask(tokens, oauth)

    late = Token(access=Secret("late"), refresh_token=Secret("late"))
    token_rows.keep(vault, place, slow, late)
    refusal = TokenRefusal(kind=FailureKind.REPLY, words="invalid_grant", status=400)

    assert not token_rows.keep_refusal(place, slow, refusal)
    assert access(ask(tokens, oauth)) == access(ours)


@contextmanager
def process(
    settings: Any, actor: Any, oauth: OAuth, authority: Any, *, lease_s: float = 30
) -> Iterator[subprocess.Popen[str]]:
    """Another process of this installation that has begun to ask."""
    given = {
        "instance": str(settings.instance),
        "database_url": settings.database_url,
        "tenant_id": actor.here.id,
        "ca_pem": authority.pem,
        "lease_s": lease_s,
        "token_url": oauth.token_url,
        "client_id": oauth.client_id,
        "client_secret": oauth.client_secret.reveal(),
        "refresh_token": oauth.refresh_token.reveal(),
    }
    started = subprocess.Popen(
        [sys.executable, "-m", "tests.senders.token_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        started.stdin.write(json.dumps(given))
        started.stdin.close()
        started.stdin = None
        assert started.stdout.readline() == "asking\n"
        yield started
    finally:
        started.kill()
        started.wait()
        started.stdout.close()

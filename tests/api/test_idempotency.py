"""One key, one message: whoever repeats gets the first answer, and no second mail."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from portal.services.outbox import schedule
from portal.services.sending import running
from portal.store.models import IdempotencyKey, Message
from tests.api.conftest import MAIL, Caller, count
from tests.api.test_refusing import problem


@pytest.mark.usefixtures("both_databases")
def test_the_same_request_again_gets_the_saved_answer(caller):
    first = caller.post(MAIL, Idempotency_Key="order-17")

    again = caller.post(MAIL, Idempotency_Key="order-17")

    assert (again.status_code, again.data) == (202, first.data)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"]
    assert "Idempotent-Replayed" not in first.headers
    assert count() == 1


def test_how_the_request_was_written_does_not_matter(caller):
    first = caller.post(b'{"to":"a@example.com","text":"x"}', Idempotency_Key="k")
    again = caller.post(b'{ "text": "x", "to": "a@example.com" }', Idempotency_Key="k")

    assert again.data == first.data


def test_another_request_with_the_same_key_is_refused(caller):
    caller.post(MAIL, Idempotency_Key="k")

    problem(caller.post({**MAIL, "subject": "other"}, Idempotency_Key="k"), 422)
    assert count() == 1


def test_a_key_belongs_to_its_tenant(caller, foreign):
    caller.post(MAIL, Idempotency_Key="k")

    answer = foreign.post({**MAIL, "subject": "other"}, Idempotency_Key="k")

    assert answer.status_code == 202
    assert count() == 2


def test_a_refused_request_does_not_use_up_its_key(caller):
    problem(caller.post({**MAIL, "to": "nobody"}, Idempotency_Key="k"), 400)

    assert caller.post(MAIL, Idempotency_Key="k").status_code == 202


def test_a_key_whose_time_is_over_is_free(caller):
    caller.post(MAIL, Idempotency_Key="k")
    IdempotencyKey.update(expires_at=1).execute()
    schedule.purge_keys()

    answer = caller.post({**MAIL, "subject": "other"}, Idempotency_Key="k")

    assert answer.status_code == 202
    assert count() == 2


def test_a_jump_of_the_clock_makes_no_second_mail_of_a_repetition(caller):
    """A key counts until it is purged, which waits for a clock that is trusted."""
    first = caller.post(MAIL, Idempotency_Key="k")
    IdempotencyKey.update(expires_at=1).execute()  # as ten years ahead

    again = caller.post(MAIL, Idempotency_Key="k")

    assert again.data == first.data
    assert count() == 1


def test_a_key_outlives_its_message(caller):
    caller.post(MAIL, Idempotency_Key="k")

    assert IdempotencyKey.get().expires_at > Message.get().expires_at


def test_a_batch_is_one_request(caller):
    first = caller.post([MAIL, MAIL], Idempotency_Key="k")
    again = caller.post([MAIL, MAIL], Idempotency_Key="k")

    assert again.data == first.data
    assert count() == 2


@pytest.mark.parametrize("key", ["", "a b", "ä", "x" * 256])
def test_a_key_is_visible_ascii(caller, key):
    headers = {"Idempotency-Key": key.encode().decode("latin-1")}
    answer = caller.ask("POST", "/send", json=MAIL, headers=headers)

    assert problem(answer, 400) == ["Idempotency-Key"]


@pytest.mark.usefixtures("both_databases")
def test_many_at_once_make_one_message(installation, caller):
    with ThreadPoolExecutor(16) as threads:
        app = caller.client.application
        answers = list(
            threads.map(
                lambda _: Caller(app.test_client(), caller.key).post(
                    MAIL, Idempotency_Key="race"
                ),
                range(32),
            )
        )

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.data for answer in answers}) == 1
    assert count() == 1


def test_one_that_still_runs_is_a_conflict(installation, caller, monkeypatch):
    """The first waits for the writer; the second does not wait for ever."""
    monkeypatch.setattr(running, "PATIENCE_S", 0)
    caller.get("/send")  # the first use of a key is noted in its row
    free, held = threading.Event(), threading.Event()

    def hold() -> None:
        held.set()
        free.wait(10)

    installation.writer.submit(hold)
    held.wait(10)
    app = caller.client.application
    with ThreadPoolExecutor(1) as thread:
        first = thread.submit(
            Caller(app.test_client(), caller.key).post, MAIL, Idempotency_Key="k"
        )
        while not running._busy:
            assert not first.done()
        answer = caller.post(MAIL, Idempotency_Key="k")
        free.set()
        assert first.result().status_code == 202

    problem(answer, 409)
    assert answer.headers["Retry-After"]
    assert count() == 1

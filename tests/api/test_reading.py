"""GET and DELETE: what became of a mail, and what can still be stopped."""

from __future__ import annotations

import pytest

from portal.services import keys
from portal.services.outbox.states import State
from portal.store.models import Message, Recipient
from tests.api.conftest import MAIL, Caller, set_state
from tests.api.test_refusing import problem


def accepted(caller: Caller, **change) -> str:
    return caller.post({**MAIL, **change}).json["id"]


@pytest.mark.usefixtures("both_databases")
def test_one_message_with_what_came_of_it(caller):
    key = accepted(caller, subject="Look")

    document = caller.get(f"/send/{key}").json

    assert document["id"] == key
    assert document["status"] == "queued"
    assert document["subject"] == "Look"
    assert document["attempts"] == []
    assert document["diagnosis"] is None
    assert document["accepted_at"].endswith("Z")
    assert document["recipients"][0]["address"] == "lee@example.com"


def test_the_message_of_another_tenant_is_not_there(caller, foreign):
    key = accepted(caller)

    theirs = problem(foreign.get(f"/send/{key}"), 404)
    nobodys = problem(foreign.get("/send/nothing"), 404)

    assert theirs == nobodys == []
    assert foreign.get(f"/send/{key}").data == foreign.get("/send/nothing").data
    problem(foreign.delete(f"/send/{key}"), 404)
    assert Recipient.get().state == "queued"
    assert foreign.get("/send").json == {"messages": [], "next": None}


def test_what_lies_beneath_a_message_is_not_there(caller):
    problem(caller.get(f"/send/{accepted(caller)}/attempts"), 404)


def test_a_list_by_key_set(caller):
    made = [accepted(caller, subject=str(number)) for number in range(5)]

    first = caller.get("/send?limit=2").json
    second = caller.get(f"/send?limit=2&after={first['next']}").json
    third = caller.get(f"/send?limit=2&after={second['next']}").json

    seen = [row["id"] for page in (first, second, third) for row in page["messages"]]
    assert seen == made[::-1]
    assert third["next"] is None
    assert "attempts" not in first["messages"][0]


def test_a_list_by_state_and_by_address(caller):
    sent, queued = accepted(caller), accepted(caller, to="ann@example.com")
    set_state(sent, State.SENT)

    def ids(query: str) -> list[str]:
        return [row["id"] for row in caller.get(f"/send?{query}").json["messages"]]

    assert ids("status=sent") == [sent]
    assert ids("status=queued") == [queued]
    assert ids("to=ann@example.com") == [queued]
    assert ids("to=nobody@example.com") == []
    assert ids("status=partial") == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=odd", "status"),
        ("limit=0", "limit"),
        ("limit=x", "limit"),
        ("limit=1000", "limit"),
        ("after=nothing", "after"),
        ("page=2", "page"),
    ],
)
def test_a_wrong_filter_is_named(caller, query, field):
    assert problem(caller.get(f"/send?{query}"), 400) == [field]


def test_the_after_of_another_tenant_says_nothing(caller, foreign):
    key = accepted(caller)

    assert problem(foreign.get(f"/send?after={key}"), 400) == ["after"]


@pytest.mark.usefixtures("both_databases")
def test_what_waits_is_cancelled(caller):
    key = accepted(caller)

    answer = caller.delete(f"/send/{key}")

    assert answer.status_code == 200
    assert answer.json["status"] == "cancelled"
    assert caller.get(f"/send/{key}").json["status"] == "cancelled"


def test_what_is_being_sent_says_so(caller):
    key = accepted(caller)
    set_state(key, State.SENDING)

    document = caller.delete(f"/send/{key}").json

    assert document["status"] == "sending"
    assert document["cancel_asked"] is True


def test_what_was_sent_stays_sent(caller):
    key = accepted(caller)
    set_state(key, State.SENT)

    assert caller.delete(f"/send/{key}").json["status"] == "sent"


@pytest.mark.parametrize(
    ("scopes", "method", "status"),
    [
        (("send",), "GET", 403),
        (("send",), "DELETE", 403),
        (("read",), "GET", 200),
        (("read",), "DELETE", 403),
        (("cancel",), "DELETE", 200),
        (("cancel",), "GET", 403),
    ],
)
def test_scopes(client, caller, owner, scopes, method, status):
    key = accepted(caller)
    other = Caller(client, keys.make(owner, name="other", scopes=scopes).key)

    assert other.ask(method, f"/send/{key}").status_code == status


def test_a_subject_is_shown_as_it_is(caller):
    """JSON is no HTML: nothing is escaped twice, nothing is interpreted."""
    key = accepted(caller, subject="<b>50 % & more</b>")

    assert caller.get(f"/send/{key}").json["subject"] == "<b>50 % & more</b>"
    assert Message.get().subject == "<b>50 % & more</b>"

"""Live tests with OAuth 2.0: which token is asked for, and what is left to save."""

from __future__ import annotations

import dataclasses
from ipaddress import ip_network

import pytest

from portal.config import AllowRule
from portal.delivery.types import Stage, StepStatus
from portal.services import senders, testing
from portal.services.senders.sealing import open_secrets
from portal.services.senders.typed import open_typed
from portal.store.models import LiveTest, OAuthToken, SenderVersion
from tests.relays.tokens import INVALID_GRANT, TokenServer


@pytest.fixture
def settings(settings):
    here = AllowRule(network=ip_network("127.0.0.1/32"))
    return dataclasses.replace(settings, relay_allow=(here,))


@pytest.fixture
def relay(oauth_sink, server, authority):
    return oauth_sink(tokens=server, starttls=authority.contexts["good"])


@pytest.fixture
def asking(server: TokenServer, relay, authority):
    """The fields of a form that reaches the relay with a refresh token."""
    return {
        "host": "localhost",
        "port": relay.port,
        "ca": authority.pem,
        "auth": "oauth2",
        "username": server.user,
        "password": None,
        "oauth": {
            "grant": "refresh_token",
            "token_url": server.token_url,
            "client_id": server.client_id,
            "client_secret": server.client_secret,
            "refresh_token": server.refresh_token(),
        },
    }


def refresh_token(actor, test_id: str) -> str:
    row = LiveTest.get(LiveTest.public_id == test_id)
    typed = open_typed(actor.installation.vault, row)
    return typed.secrets["oauth.refresh_token"].reveal()


def stored_token(actor) -> str:
    version = SenderVersion.select().order_by(SenderVersion.id.desc()).first()
    opened = open_secrets(actor.installation.vault, version)
    return opened["oauth.refresh_token"].reveal()


def without(asking, *names: str):
    blank = dict.fromkeys(names, "")
    return {**asking, "oauth": {**asking["oauth"], **blank}}


@pytest.mark.usefixtures("both_databases")
def test_what_was_typed_signs_in_and_is_replaced_by_what_came_of_it(
    signed_in, ask, run_tests, asking, server, relay
):
    test = ask(signed_in, **asking)
    run_tests()

    view = testing.read(signed_in, test)
    assert (view.status, view.sentence) != ("failed", None)
    assert view.status == "sent", view.diagnosis
    token_step = next(each for each in view.steps if each.stage is Stage.OAUTH_TOKEN)
    assert token_step.status is StepStatus.OK
    assert relay.log_ons[-1][0] == server.user
    assert refresh_token(signed_in, test) in server.refresh_tokens
    assert OAuthToken.select().count() == 0


def test_what_is_saved_after_the_test_is_the_newest_and_counts_as_tested(
    signed_in, ask, save, run_tests, asking, server
):
    test = ask(signed_in, **asking)
    run_tests()

    saved = senders.save(
        signed_in,
        sender_id=None,
        values={
            "name": "Acme mail",
            "provider": "generic_smtp",
            "security": "starttls",
            "from_name": "Acme",
            "from_address": "app@example.org",
            **without(asking, "client_secret", "refresh_token"),
        },
        activate=False,
        typed_in=test,
    )

    assert stored_token(signed_in) in server.refresh_tokens
    assert saved.tested


def test_a_later_test_of_this_session_goes_on_with_the_newest(
    signed_in, ask, run_tests, asking, server
):
    first = ask(signed_in, **asking)
    run_tests()
    empty = without(asking, "client_secret", "refresh_token")
    second = ask(signed_in, typed_in=first, **empty)
    run_tests()
    third = ask(signed_in, typed_in=first, **empty)
    run_tests()

    for test in (first, second, third):
        assert testing.read(signed_in, test).status == "sent"
    assert refresh_token(signed_in, first) == refresh_token(signed_in, third)
    assert refresh_token(signed_in, third) in server.refresh_tokens


def test_a_test_of_a_saved_sender_leaves_its_chain_whole(
    signed_in, ask, save, run_tests, asking, server
):
    sender_id = save(signed_in, **asking).id
    empty = without(asking, "client_secret", "refresh_token")
    tests = [
        ask(signed_in, sender_id=sender_id, **empty),
        # Who types the very token that is stored must not make it void.
        ask(signed_in, sender_id=sender_id, **asking),
    ]
    run_tests()

    for test in tests:
        assert testing.read(signed_in, test).status == "sent"
    assert OAuthToken.select().count() == 1
    assert len(server.asked) == 1


def test_a_refusal_is_told_at_its_rung_and_asked_again_by_the_next_test(
    signed_in, ask, save, run_tests, asking, server, relay
):
    sender_id = save(signed_in, **asking).id
    empty = without(asking, "client_secret", "refresh_token")
    server.will_say(INVALID_GRANT)
    first = ask(signed_in, sender_id=sender_id, **empty)
    run_tests()
    view = testing.read(signed_in, first)

    assert (view.status, view.stage) == ("failed", "oauth_token")
    assert view.diagnosis["cause"].startswith("oauth")
    assert relay.log_ons == []

    second = ask(signed_in, sender_id=sender_id, **empty)
    run_tests()
    assert testing.read(signed_in, second).status == "sent"


def test_a_token_that_the_relay_refuses_is_asked_for_once_more_and_no_oftener(
    signed_in, ask, run_tests, asking, server, relay
):
    relay.scope = "another.scope"
    test = ask(signed_in, **asking)
    run_tests()

    view = testing.read(signed_in, test)
    assert (view.status, view.stage) == ("failed", "auth")
    assert len(server.asked) <= 2
    assert refresh_token(signed_in, test) in server.refresh_tokens


def test_the_token_is_in_nothing_that_a_page_shows(
    signed_in, ask, run_tests, asking, server
):
    test = ask(signed_in, **asking)
    run_tests()

    shown = repr(testing.read(signed_in, test))
    row = repr(LiveTest.select().dicts().get())
    for token in (*server.issued, *server.refresh_tokens, server.client_secret):
        assert token not in shown
        assert token not in row

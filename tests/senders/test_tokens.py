"""Kept access tokens: what is asked, kept, refused and never told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from portal.delivery.tokens import TokenRefusal
from portal.secret import Secret
from portal.services.senders import token_rows
from portal.store.models import OAuthToken
from tests.relays.tokens import BROKEN, INVALID_GRANT
from tests.senders.kept_tokens import access, ask, ended, failed_before


@pytest.mark.usefixtures("both_databases")
def test_a_token_is_asked_for_once_and_kept(tokens, oauth, server):
    first, second = ask(tokens, oauth), ask(tokens, oauth)

    assert access(first) == access(second)
    assert (first.kept, second.kept) == (False, True)
    assert server.user_of(access(second)) == server.user
    assert len(server.asked) == 1


@pytest.mark.usefixtures("both_databases")
def test_a_rotated_refresh_token_is_the_next_one_to_ask_with(tokens, oauth, server):
    first = access(ask(tokens, oauth))
    ended()
    second = access(ask(tokens, oauth))
    ended()
    third = access(ask(tokens, oauth))

    used = [each["refresh_token"] for each in server.asked]
    assert len({first, second, third}) == len(set(used)) == 3
    assert list(server.refresh_tokens) != used


def test_a_refused_token_is_never_given_again(tokens, oauth, server):
    first = access(ask(tokens, oauth))

    second = access(ask(tokens, oauth, refused=Secret(first)))

    assert second != first
    assert access(ask(tokens, oauth)) == second
    assert access(ask(tokens, oauth, refused=Secret(first))) == second
    assert len(server.asked) == 2


@pytest.mark.usefixtures("both_databases")
def test_a_refresh_token_that_was_refused_is_not_tried_at_once_again(
    tokens, oauth, server
):
    server.always_says = INVALID_GRANT

    found = [ask(tokens, oauth) for _ in range(3)]

    assert len(server.asked) == 1
    assert {each.words for each in found} == {found[0].words}
    assert "invalid_grant" in found[0].words
    assert not found[0].temporary


@pytest.mark.parametrize(
    ("says", "rests_s"), [(INVALID_GRANT, (60, 120, 240)), (BROKEN, (5, 10, 20))]
)
def test_each_refusal_in_a_row_makes_the_pause_longer(
    tokens, oauth, server, says, rests_s
):
    server.always_says = says
    for count, rest_s in enumerate(rests_s, 1):
        ask(tokens, oauth)
        assert len(server.asked) == count
        failed_before(rest_s - 2)
        ask(tokens, oauth)
        assert len(server.asked) == count
        failed_before(rest_s + 1)

    server.always_says = None
    assert server.user_of(access(ask(tokens, oauth))) == server.user
    assert OAuthToken.get().failures == 0


def test_whoever_repairs_does_not_wait(tokens, oauth, server):
    server.will_say(INVALID_GRANT)
    ask(tokens, oauth)

    person = replace(tokens, asks_again=True)

    assert server.user_of(access(ask(person, oauth))) == server.user


def test_a_new_client_secret_is_tried_at_once_and_the_chain_goes_on(
    tokens, oauth, server
):
    ask(tokens, oauth)
    server.client_secret = "renewed"
    ended()
    assert isinstance(ask(tokens, oauth), TokenRefusal)

    renewed = replace(oauth, client_secret=Secret("renewed"))

    assert server.user_of(access(ask(tokens, renewed))) == server.user
    assert OAuthToken.select().count() == 1


def test_another_scope_is_another_token(tokens, oauth, server):
    first = access(ask(tokens, oauth))

    other = access(ask(tokens, replace(oauth, scope="smtp.send")))

    assert first != other
    assert server.issued[other].scope == "smtp.send"


def test_nothing_in_the_row_can_be_read_and_no_log_tells(
    tokens, oauth, server, caplog, installation
):
    caplog.set_level("DEBUG")
    token = access(ask(tokens, oauth))
    newest = list(server.refresh_tokens)[-1]

    row = repr(OAuthToken.select().dicts().get())

    for secret in (token, newest, oauth.refresh_token.reveal()):
        assert secret not in row
        assert secret not in caplog.text
        assert secret not in repr(tokens)


def test_what_is_copied_to_another_tenant_does_not_open(
    tokens, oauth, server, stranger
):
    server.rotates = False
    ask(tokens, oauth)
    theirs = replace(tokens, tenant_id=stranger.here.id)
    place = token_rows.place_of(theirs.vault, theirs.tenant_id, oauth)
    OAuthToken.update(
        tenant=stranger.here.id,
        fingerprint=place.fingerprint,
        asked_with=place.asked_with,
    ).execute()

    ask(theirs, oauth)

    assert len(server.asked) == 2

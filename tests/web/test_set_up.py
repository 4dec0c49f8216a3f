"""Set-up: one link, one account, one tenant; used once."""

from __future__ import annotations

import pytest

from portal.services import accounts, tenants
from portal.store.models import Person
from tests.browsing import Visitor

GOOD = {
    "name": "Dana Whitfield",
    "email": "dana@example.org",
    "password": "correct horse battery",
    "tenant": "Acme Inc",
}


@pytest.fixture
def link(installation) -> str:
    return f"/set-up/{accounts.make_setup_link(installation)}"


def test_it_makes_an_account_and_a_tenant_and_goes_on(nobody, link):
    """Step 2 is the question where the mail goes, and the person is signed in."""
    assert "Step 1 of 3" in nobody.get(link).text

    answer = nobody.post(link, GOOD)

    assert answer.status_code == 303
    assert answer.headers["Location"] == "/t/acme-inc/senders/new"
    assert nobody.get("/t/acme-inc/").status_code == 200
    assert nobody.get("/people").status_code == 200
    assert nobody.get("/platform").status_code == 200


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", "", "Please give your name."),
        ("email", "dana", "needs exactly one “@”"),
        ("password", "short", "It needs 12."),
        ("password", "dana@example.org", "among the first that attackers try"),
        ("tenant", " ", "Please give the tenant a name."),
    ],
)
def test_a_wrong_field_has_its_sentence_and_nothing_else_is_lost(
    nobody, link, field, value, sentence
):
    nobody.get(link)

    answer = nobody.post(link, GOOD | {field: value})

    assert answer.status_code == 422
    error = answer.text.split(f'id="{field}-error">')[1].split("</span>")[0]
    assert sentence in error
    kept = {name: GOOD[name] for name in ("name", "email", "tenant") if name != field}
    for text in kept.values():
        assert f'value="{text}"' in answer.text
    assert GOOD["password"] not in answer.text
    assert Person.select().count() == 0


def test_the_password_must_be_typed_again(nobody, link):
    """The refused field is another one, and the page says what was not kept."""
    nobody.get(link)

    answer = nobody.post(link, GOOD | {"name": ""})

    assert "Type it again" in answer.text.split('id="password-error">')[1]


def test_a_used_link_says_what_to_do_instead(app, nobody, link):
    """To whoever opens it, and to a form that was open all the while."""
    late = Visitor(app)
    late.get(link)
    nobody.get(link)
    nobody.post(link, GOOD)

    for answer in (nobody.get(link), late.post(link, GOOD)):
        assert answer.status_code == 410
        assert 'href="/sign-in"' in answer.text
    assert Person.select().count() == 1


def test_a_link_that_was_never_made_is_not_there(nobody):
    assert nobody.get("/set-up/made-up").status_code == 404


def test_the_sign_in_page_tells_of_the_link_until_it_is_used(nobody, link):
    assert "printed a set-up link" in nobody.get("/sign-in").text

    nobody.get(link)
    nobody.post(link, GOOD)
    nobody.post("/sign-out")

    assert "printed a set-up link" not in nobody.get("/sign-in").text


def test_the_tenant_of_the_set_up_is_owned(nobody, link, installation):
    nobody.get(link)
    nobody.post(link, GOOD)

    person = Person.get()
    signed_in = accounts.sign_in(
        installation,
        email=person.email,
        password=GOOD["password"],
        ip=None,
        user_agent="",
    )
    ((tenant, role),) = tenants.mine(signed_in.actor)
    assert (tenant.slug, str(role)) == ("acme-inc", "owner")

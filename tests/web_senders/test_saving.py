"""Saving a sender in the browser: versions, secrets, and what a wrong field costs."""

from __future__ import annotations

import pytest

from portal.services import senders
from portal.store.models import Sender, SenderVersion
from tests.web_senders.conftest import BASE, NEW, SECRET, SIGNED_IN
from tests.web_senders.reading import chosen, value


def settings_of(at: str) -> dict[str, object]:
    """The newest version of the sender at this address."""
    found = (
        SenderVersion.select()
        .join(Sender)
        .where(Sender.public_id == at.split("?")[0].rpartition("/")[2])
        .order_by(SenderVersion.number.desc())
        .get()
    )
    return {"number": found.number, **found.settings}


def test_a_plain_form_is_led_to_the_sender(as_admin, form):
    page = as_admin.follow(NEW, form(**SIGNED_IN))

    assert "Saved as version 1. Mail does not go through it yet." in page
    assert value(page, "name") == "Acme relay"


def test_htmx_gets_the_saved_form_and_its_address(as_admin, form):
    answer = as_admin.post(NEW, form(**SIGNED_IN), htmx=True)

    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert answer.text.lstrip().startswith('<div id="workbench">')
    sender = Sender.get()
    assert answer.headers["HX-Push-Url"] == f"{BASE}/{sender.public_id}"
    assert f'action="{BASE}/{sender.public_id}"' in answer.text
    assert "Saved as version 1" in answer.text


def test_a_second_save_is_a_second_version(as_admin, saved, form):
    at = saved()

    as_admin.follow(at, form(port=2526))

    assert settings_of(at)["number"] == 2
    assert settings_of(at)["port"] == 2526


def test_save_and_use_warns_of_what_was_never_tested(as_admin, form):
    page = as_admin.follow(NEW, form(then="use"))

    assert "Mail goes through “Acme relay”, version 1, from now on." in page
    assert "Version 1 was never tested." in page


def test_save_and_use_changes_the_side_bar_at_once(as_admin, form):
    """The fragment brings along who carries the mail now."""
    answer = as_admin.post(NEW, form(then="use"), htmx=True)

    through = answer.text.split('id="through"')[1]
    assert through.partition(">")[0].endswith('hx-swap-oob="outerHTML"')
    assert "Acme relay" in through


@pytest.mark.parametrize("htmx", [False, True], ids=["plain", "htmx"])
def test_a_wrong_field_costs_nothing_but_the_secret(as_admin, form, htmx: bool):
    """422, the sentence beside the field, all that was typed, and no secret."""
    sent = form(**SIGNED_IN, port="99999", ehlo_name="mail.acme.example", then="use")

    answer = as_admin.post(NEW, sent, htmx=htmx)

    assert answer.status_code == 422
    assert ("<html" in answer.text) is not htmx
    assert "A port is a number from 1 to 65535." in answer.text
    assert value(answer.text, "port") == "99999"
    assert value(answer.text, "username") == "kim"
    assert value(answer.text, "ehlo_name") == "mail.acme.example"
    assert chosen(answer.text, "security") == "starttls"
    assert SECRET not in answer.text
    assert "Type it again" in answer.text
    assert Sender.select().count() == 0


def test_a_wrong_field_behind_more_opens_it(as_admin, form):
    page = as_admin.post(NEW, form(per_hour="many")).text

    assert '<details class="more" id="more" open>' in page
    assert "Recipients an hour is a number" in page


def test_a_wrong_field_is_named_to_those_who_cannot_see_it(as_admin, form):
    page = as_admin.post(NEW, form(from_address="nobody")).text

    assert 'aria-describedby="from_address-error' in page
    assert 'aria-invalid="true"' in page


def test_a_name_is_taken_once(as_admin, saved, form):
    saved()

    answer = as_admin.post(NEW, form())

    assert answer.status_code == 422
    assert "Another sender of this tenant has this name." in answer.text


def test_a_stored_secret_is_on_no_page(as_admin, saved):
    at = saved(**SIGNED_IN)

    pages = [as_admin.get(at + under).text for under in ("", "/secret", "/versions")]

    assert [page for page in pages if SECRET in page] == []
    assert chosen(pages[0], "secret") == "keep"
    assert "Saved" in pages[0]


def test_a_kept_secret_stays_with_its_host(as_admin, saved, form):
    """An empty field is the stored one, until host or port change."""
    at = saved(**SIGNED_IN)
    kept = {**SIGNED_IN, "password": "", "secret": "keep"}

    same = as_admin.post(at, form(**kept, from_name="Acme Inc"))
    moved = as_admin.post(at, form(**kept, host="127.0.0.2"))

    assert same.status_code == 303
    assert moved.status_code == 422
    assert "A change of host asks for it again" in moved.text
    assert chosen(moved.text, "secret") == "type"


def test_what_was_typed_beside_keep_is_not_taken(as_admin, saved, form, owner):
    """A password manager that fills a hidden field changes no secret."""
    at = saved(**SIGNED_IN)
    filled = {**SIGNED_IN, "password": "autofilled", "secret": "keep"}

    as_admin.follow(at, form(**filled, from_name="Acme Inc"))

    found = senders.versions(owner, at.rpartition("/")[2])[0]
    assert [change.field for change in found.changes] == ["from_name"]


def test_fields_that_the_form_does_not_show_stay(as_admin, saved, form):
    at = saved()
    version = SenderVersion.get()
    version.settings = version.settings | {"relay_ips": ["203.0.113.9"]}
    version.save()

    as_admin.follow(at, form(from_name="Acme Inc"))

    assert settings_of(at)["relay_ips"] == ["203.0.113.9"]


def test_lists_and_pace_are_kept_as_they_were_typed(as_admin, saved):
    at = saved(allowed_from="help@example.org\nexample.net", per_minute="300")

    page = as_admin.get(at).text

    assert settings_of(at)["allowed_from"] == ["help@example.org", "example.net"]
    assert "help@example.org\nexample.net</textarea>" in page
    assert value(page, "per_minute") == "300"


@pytest.mark.parametrize("htmx", [False, True], ids=["plain", "htmx"])
def test_replacing_the_secret_is_an_action_of_its_own(
    as_admin, saved, owner, htmx: bool
):
    at = saved(**SIGNED_IN)

    answer = as_admin.post(f"{at}/secret", {"password": "another one"}, htmx=htmx)

    assert answer.status_code == (200 if htmx else 303)
    assert ("<html" in answer.text) is not htmx
    assert "another one" not in answer.text
    newest = senders.versions(owner, at.rpartition("/")[2])[0]
    assert [change.field for change in newest.changes] == ["password"]


def test_an_empty_new_secret_is_refused(as_admin, saved):
    at = saved(**SIGNED_IN)

    answer = as_admin.post(f"{at}/secret", {"password": ""})

    assert answer.status_code == 422
    assert "Type the new secret." in answer.text


def test_without_a_secret_there_is_none_to_replace(as_admin, saved):
    at = saved()

    assert as_admin.get(f"{at}/secret").status_code == 404
    assert f"{at}/secret" not in as_admin.get(at).text


def test_a_viewer_reads_and_changes_nothing(as_viewer, saved, form):
    at = saved(**SIGNED_IN)

    page = as_viewer.get(at).text

    assert "127.0.0.1 port 2525" in page
    assert 'id="form"' not in page
    assert SECRET not in page
    assert as_viewer.post(at, form()).status_code == 403
    assert as_viewer.post(f"{at}/secret", {"password": "x"}).status_code == 403


def test_a_stranger_finds_no_sender(as_stranger, saved, form):
    """Neither by our address nor under their own tenant."""
    at = saved(**SIGNED_IN)
    theirs = at.replace("acme-inc", "other-ltd")

    for path in (at, theirs, f"{at}/secret", f"{theirs}/versions"):
        assert as_stranger.get(path).status_code == 404
    for path in (at, theirs):
        assert as_stranger.post(path, form()).status_code == 404

"""Overview: one sentence that is true, and its proof."""

from __future__ import annotations

import dataclasses
import re
from datetime import timedelta

import pytest

from portal.app import create_app
from portal.config import DefaultSender
from portal.crypto.seal import KeyRing
from portal.services.overview import Flow, overview
from portal.store.fields import now
from portal.store.models import Message, Recipient, Route
from portal.store.vault import Vault
from tests.browsing import Visitor
from tests.web.pages import attempt, furnish

HOME = "/t/acme-inc/"
DEFAULT = DefaultSender(
    host="relay.example.org",
    port=587,
    security="starttls",
    username=None,
    password=None,
    from_address="noreply@example.org",
)


def heading(page: str) -> str:
    found = re.search(r"<h1><bdi>(.*?)</bdi></h1>", page)
    assert found
    return found[1]


def home(installation, owner, **changes) -> str:
    """The page in an installation that differs in these."""
    other = dataclasses.replace(installation, **changes)
    return Visitor(create_app(installation=other), owner).get(HOME).text


def sent(make, tenant, **columns) -> Message:
    message = make.message(tenant, state="sent", **columns)
    Message.update(settled_at=now()).where(Message.id == message.id).execute()
    return message


def test_without_any_way_out_it_says_so(as_owner):
    page = as_owner.get(HOME).text

    assert heading(page) == "Mail has no way out"
    assert 'role="alert"' in page
    assert "503" in page


def test_captured_mail_is_said_plainly(installation, owner):
    page = home(installation, owner, sandbox_port=lambda: 2525)

    assert heading(page) == "No mail leaves: every mail is captured"
    assert "reaches nobody" in page


def test_a_sandbox_sender_captures_too(installation, owner, make):
    make.sender(owner.here, provider="sandbox", host=None, port=None)

    page = home(installation, owner, sandbox_port=lambda: 2525)

    assert heading(page) == "No mail leaves: every mail is captured"
    assert "is a sandbox" in page


def test_a_new_sender_is_ready_and_has_sent_nothing(as_owner, owner, make):
    version = make.sender(owner.here)

    page = as_owner.get(HOME).text

    name = version.sender.name
    assert heading(page) == f"Ready. Mail would go through {name}"


def test_after_an_accepted_mail_it_flows(as_owner, owner, make):
    version = make.sender(owner.here, host="smtp.example.org")
    sent(make, owner.here)

    page = as_owner.get(HOME).text

    assert heading(page) == f"Mail is flowing through {version.sender.name}"
    assert "smtp.example.org accepted the latest mail" in page


def test_a_sender_that_was_just_chosen_has_not_proved_itself(as_owner, owner, make):
    """What another sender brought out says nothing about this one."""
    make.sender(owner.here)
    sent(make, owner.here)
    Route.update(changed_at=now() + timedelta(seconds=5)).execute()

    assert heading(as_owner.get(HOME).text).startswith("Ready.")


def test_captured_mail_does_not_count_as_flowing(as_owner, owner, make):
    make.sender(owner.here)
    sent(make, owner.here, captured=True)

    assert heading(as_owner.get(HOME).text).startswith("Ready.")


def test_the_platform_default_is_named(installation, owner):
    settings = dataclasses.replace(installation.settings, default_sender=DEFAULT)

    page = home(installation, owner, settings=settings)

    assert heading(page) == "Ready. Mail would go through the platform default"
    assert "noreply<wbr>@example.<wbr>org" in page
    assert "Add a sender" in page


def test_held_mail_tells_since_when_and_why(as_owner, owner, make):
    version = make.sender(owner.here)
    message = make.message(owner.here, state="deferred", to=("a@x.org", "b@x.org"))
    attempt(message, version)
    Recipient.update(held_fence=1).execute()

    page = as_owner.get(HOME).text

    assert heading(page).startswith("Mail is held: There is no such mailbox")
    assert "Mail for 2 recipients waits here" in page
    assert f'href="/t/acme-inc/messages/{message.public_id}"' in page
    assert 'id="through" data-state="failed"' in page  # on every page, by the name
    assert 'id="through" data-state="failed"' in as_owner.get("/t/acme-inc/keys").text


def test_locked_secrets_come_first(installation, owner, make):
    make.sender(owner.here)

    page = home(installation, owner, vault=Vault(KeyRing.ephemeral(), locked=True))

    assert "secrets are locked" in heading(page)


def test_the_first_steps_show_the_command_with_this_address(as_owner):
    page = as_owner.get(HOME).text

    assert "curl http://localhost/send" in page
    assert "owner@example.org" in page


def test_a_viewer_is_not_asked_to_do_what_they_may_not(as_viewer):
    page = as_viewer.get(HOME).text

    assert "Three steps" not in page
    assert "senders/new" not in page


def test_hours_count_mails_by_what_became_of_them(owner, make, both_databases):
    """On both engines: by the hour of acceptance, captured mail apart."""
    for state in ("sent", "sent", "queued", "failed", "expired", "cancelled"):
        make.message(owner.here, state=state)
    make.message(owner.here, state="sent", captured=True)
    long_ago = make.message(owner.here, state="sent")
    before = now() - timedelta(hours=30)
    Message.update(accepted_at=before).where(Message.id == long_ago.id).execute()
    earlier = make.message(owner.here, state="sent")
    before = now() - timedelta(hours=3)
    Message.update(accepted_at=before).where(Message.id == earlier.id).execute()

    found = overview(owner)

    last, third = found.hours[-1], found.hours[-4]
    assert (last.sent, last.waiting, last.failed, last.captured) == (2, 1, 2, 1)
    assert (third.sent, third.total) == (1, 1)
    assert sum(hour.total for hour in found.hours) == 7
    assert len(found.hours) == 24


def test_the_queue_and_the_failures_are_the_tenants_own(
    owner, stranger, make, both_databases
):
    furnish(make, owner)

    ours, theirs = overview(owner), overview(stranger)

    assert (ours.queue.queued, ours.queue.deferred, ours.queue.uncertain) == (1, 1, 1)
    assert ours.queue.oldest_at is not None
    assert {each.state for each in ours.failures} == {"failed", "expired", "uncertain"}
    assert ours.steps.active
    assert ours.steps.key
    assert theirs.flow is Flow.NOWHERE
    assert theirs.queue.total == 0
    assert theirs.failures == ()
    assert not theirs.steps.mail


def test_the_chart_is_drawn_in_attributes_and_told_in_words(as_owner, owner, make):
    for _ in range(3):
        sent(make, owner.here)

    page = as_owner.get(HOME).text

    assert 'role="img" aria-label="Mails an hour, last 24 hours: 3 sent' in page
    assert '<rect data-series="sent" x="231" y="0.0" width="8" height="100.0"/>' in page
    assert "The same as a table" in page


@pytest.mark.parametrize("quota", [None, 100_000])
def test_the_quota_of_the_month_stands_there(as_owner, owner, quota):
    from portal.services import tenants

    tenants.set_quota(owner, "acme-inc", quota)

    page = as_owner.get(HOME).text

    assert "0 recipients" in page
    assert ("of 100,000" in page) is (quota is not None)

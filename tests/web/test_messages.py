"""Messages: found, read, cancelled, decided; and their content shown harmless."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from portal.services import sending
from portal.store.fields import now
from portal.store.models import Message, Recipient
from tests.web.pages import accepted, attempt, furnish

LIST = "/t/acme-inc/messages"
LINES = re.compile(r'<a class="subject" href="([^"]+)"><bdi>([^<]*)</bdi>')


def subjects(page: str) -> list[str]:
    return [subject for _href, subject in LINES.findall(page)]


@pytest.fixture
def three(make, owner):
    make.message(owner.here, subject="First", to=("kim@example.com",), state="sent")
    make.message(owner.here, subject="Second", to=("al@example.net",), state="failed")
    return make.message(owner.here, subject="Third 100%", kind="otp")


@pytest.mark.usefixtures("both_databases")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["Third 100%", "Second", "First"]),
        ("?status=failed", ["Second"]),
        ("?kind=otp", ["Third 100%"]),
        ("?q=first", ["First"]),
        ("?q=al@example.net", ["Second"]),
        ("?q=100%25", ["Third 100%"]),
        ("?q=_irst", []),
        ("?since=1", ["Third 100%", "Second", "First"]),
        ("?status=nonsense&kind=nonsense&since=x", ["Third 100%", "Second", "First"]),
    ],
)
def test_messages_are_found_by_what_is_known_of_them(as_viewer, three, query, found):
    assert subjects(as_viewer.get(LIST + query).text) == found
    assert subjects(as_viewer.get(f"{LIST}/rows{query}", htmx=True).text) == found


def test_a_message_id_finds_its_message(as_viewer, three):
    page = as_viewer.get(LIST, query_string={"q": three.message_id}).text

    assert subjects(page) == ["Third 100%"]


def test_old_messages_are_left_out_where_it_is_asked(as_viewer, three):
    Message.update(accepted_at=now() - timedelta(days=8)).where(
        Message.subject == "First"
    ).execute()

    assert subjects(as_viewer.get(f"{LIST}?since=7").text) == ["Third 100%", "Second"]


def test_the_fragment_tells_the_browser_its_page(as_viewer, three):
    """The address can be kept and sent to somebody; it is the page's own."""
    answer = as_viewer.get(f"{LIST}/rows?q=first&status=&kind=", htmx=True)

    assert "<html" not in answer.text
    assert answer.headers["HX-Push-Url"] == f"{LIST}?q=first"


def test_pages_follow_each_other_by_key(as_viewer, make, owner):
    for number in range(60):
        make.message(owner.here, subject=f"Mail {number}")
    first = as_viewer.get(LIST).text
    older = re.search(r'href="([^"]*after=[^"]*)"', first)
    assert older
    make.message(owner.here, subject="Came meanwhile")

    second = as_viewer.get(older[1]).text

    assert subjects(first) == [f"Mail {number}" for number in range(59, 9, -1)]
    assert subjects(second) == [f"Mail {number}" for number in range(9, -1, -1)]
    assert "Newest" in second


def test_no_hit_offers_the_nearest_wider_search(as_viewer, three):
    page = as_viewer.get(f"{LIST}?status=failed&q=invoice").text

    assert "No failed message with “<bdi>invoice</bdi>”" in page
    assert f'href="{LIST}?q=invoice"' in page


def test_an_empty_tenant_says_what_would_stand_here(as_viewer):
    assert "No message yet" in as_viewer.get(LIST).text


def test_one_message_shows_recipients_attempts_and_the_diagnosis(
    as_viewer, make, owner
):
    world = furnish(make, owner)

    page = as_viewer.get(f"{LIST}/{world.failed.public_id}").text

    assert "2 recipients" in page
    assert "550 Your code words of the relay" in page
    assert "There is no such mailbox" in page
    assert "Correct the address" in page
    assert "RCPT TO:&lt;kim@example.com&gt;" in page
    assert "Failed here: " in page
    assert "412 ms" in page


def test_a_captured_mail_is_never_called_sent(as_viewer, make, owner):
    """List, message and recipient say that it reached nobody."""
    message = make.message(owner.here, state="sent", captured=True)

    for path in (LIST, f"{LIST}/{message.public_id}"):
        page = as_viewer.get(path).text
        assert "Captured" in page
        assert ">Sent</span>" not in page


@pytest.mark.parametrize("htmx", [False, True])
def test_what_waits_is_cancelled(as_admin, make, owner, htmx: bool):
    message = make.message(owner.here)
    path = f"{LIST}/{message.public_id}"
    assert f'action="{path}/cancel"' in as_admin.get(path).text

    form = f"{path}/cancel"
    page = as_admin.post(form, htmx=True).text if htmx else as_admin.follow(form)

    assert sending.read(owner, message.public_id).status == "cancelled"
    assert "What waited is cancelled." in page
    assert ("<html" in page) is not htmx
    assert f'action="{form}"' not in page


def test_what_is_on_its_way_may_still_arrive(as_admin, make, owner):
    message = make.message(owner.here, state="sending")

    page = as_admin.follow(f"{LIST}/{message.public_id}/cancel")

    assert "it may still arrive" in page


@pytest.mark.parametrize("htmx", [False, True])
@pytest.mark.parametrize("to", ["sent", "failed"])
def test_a_person_decides_what_nobody_knows(as_admin, make, owner, to, htmx):
    message = make.message(owner.here, state="uncertain")
    Recipient.update(token=1).execute()
    path = f"{LIST}/{message.public_id}"
    assert "Please decide" in as_admin.get(path).text

    form = {"to": to, "address": "kim@example.com"}
    if htmx:
        page = as_admin.post(f"{path}/decide", form, htmx=True).text
    else:
        page = as_admin.follow(f"{path}/decide", form)

    assert sending.read(owner, message.public_id).status == to
    assert "decided by admin@example.org" in page
    assert ("<html" in page) is not htmx


def test_a_planned_retry_is_nothing_to_decide_yet(as_admin, make, owner):
    message = make.message(owner.here, state="uncertain")
    Recipient.update(retry_at=now() + timedelta(minutes=15)).execute()

    page = as_admin.get(f"{LIST}/{message.public_id}").text

    assert "Please decide" not in page
    assert "one more try at" in page


@pytest.mark.parametrize(("state", "asks"), [("queued", True), ("sent", False)])
def test_a_message_asks_again_only_while_it_moves(as_viewer, make, owner, state, asks):
    message = make.message(owner.here, state=state)
    path = f"{LIST}/{message.public_id}"

    for page in (as_viewer.get(path).text, as_viewer.get(f"{path}/now").text):
        assert (f'hx-get="{path}/now"' in page) is asks


def test_the_content_is_what_went_out(as_viewer, make, owner):
    """With the From of the sender that carried it, in four forms."""
    world = furnish(make, owner)
    path = f"{LIST}/{world.sent.public_id}"

    html = as_viewer.get(f"{path}/content").text
    text = as_viewer.get(f"{path}/content?as=text").text
    headers = as_viewer.get(f"{path}/content?as=headers").text
    source = as_viewer.get(f"{path}/content?as=source").text

    assert f'sandbox src="{path}/frame"' in html
    assert "Acme &lt;noreply@example.org&gt;" in html
    assert "Your code is 123456." in text
    assert "Auto-Submitted" in headers
    assert "MIME-Version: 1.0" in source
    frame = as_viewer.get(f"{path}/frame")
    assert frame.text.strip() == "<p>Your code</p>"
    assert frame.headers["Content-Security-Policy"].startswith("sandbox;")


def test_the_mail_can_be_taken_away_as_a_file(as_viewer, make, owner):
    world = furnish(make, owner)

    answer = as_viewer.get(f"{LIST}/{world.sent.public_id}.eml")

    assert answer.headers["Content-Type"] == "message/rfc822"
    assert "attachment" in answer.headers["Content-Disposition"]
    assert answer.data.startswith(b"From: Acme <noreply@example.org>\r\n")


def test_before_its_first_attempt_the_mail_shows_the_sender_of_now(
    as_viewer, make, owner
):
    make.sender(owner.here, from_address="news@example.org")
    message = accepted(owner, "queued", "Hello", "kim@example.com")

    page = as_viewer.get(f"{LIST}/{message.public_id}/content").text

    assert "news@example.org" in page


def test_a_running_attempt_is_told(as_viewer, make, owner):
    version = make.sender(owner.here)
    message = make.message(owner.here, state="sending")
    tried = attempt(message, version)
    tried.outcome = tried.ended_at = tried.reply = tried.ms = None
    tried.save()

    assert "Under way" in as_viewer.get(f"{LIST}/{message.public_id}").text

"""htmx in Chromium on our pages: what is swapped, what stays, what is said."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from portal.services import keys
from tests.web.windows import sign_in, window

pytestmark = [pytest.mark.xdist_group("chromium"), pytest.mark.timeout(120)]


@pytest.fixture
def allowed() -> list[str]:
    """What the console may say: Chromium tells of each answer above 399."""
    return ["status of"]


@pytest.fixture
def at(browser, served, owner, allowed: list[str]):
    """A window of the owner; other words on its console fail the test."""
    _app, url = served
    page, complaints = window(browser, url, "light", 1280)
    sign_in(page, url, owner)
    yield page
    page.context.close()
    assert [c for c in complaints if not any(word in c for word in allowed)] == []


def notice(page: Page):
    return page.locator("#notice")


def test_a_filter_swaps_the_rows_and_the_address_follows(at: Page, make, owner):
    make.message(owner.here, subject="First", state="sent")
    make.message(owner.here, subject="Second", state="failed")
    at.goto("/t/acme-inc/messages")
    expect(at.locator(".subject")).to_have_count(2)

    at.get_by_label("State").select_option("failed")

    expect(at.locator(".subject")).to_have_text(["Second"])
    expect(at).to_have_url(re.compile(r"/t/acme-inc/messages\?status=failed$"))
    at.get_by_label("Recipient, subject or Message-ID").fill("nothing like it")
    expect(at.get_by_text("No failed message with")).to_be_visible()
    at.go_back()
    expect(at.locator(".subject")).to_have_text(["Second"])


def test_a_key_is_made_copied_and_revoked_without_a_new_page(at: Page, owner):
    at.goto("/t/acme-inc/keys")
    at.evaluate("window.stayed = true")
    at.get_by_label("Name of a new key").fill("ops")
    at.get_by_role("button", name="Make a key").click()
    expect(at.locator("#new-key")).to_have_text(re.compile("^sp_live_"))

    at.once("dialog", lambda dialog: dialog.accept())
    at.get_by_role("button", name="Revoke ops").click()

    expect(notice(at)).to_contain_text("The key is revoked.")
    expect(at.locator("#new-key")).to_have_count(0)
    assert at.evaluate("window.stayed")
    assert [key.revoked_at is None for key in keys.keys(owner)] == [False]


def test_a_revocation_that_is_not_confirmed_does_not_happen(at: Page, owner):
    keys.make(owner, name="ops")
    at.goto("/t/acme-inc/keys")
    asked: list[str] = []

    def refuse(dialog) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    at.once("dialog", refuse)
    at.get_by_role("button", name="Revoke ops").click()

    expect(at.get_by_role("button", name="Revoke ops")).to_be_enabled()
    assert asked == ["Revoke “ops”? What uses it stops at once."]
    assert [key.revoked_at for key in keys.keys(owner)] == [None]


def test_a_refused_form_comes_back_with_its_sentence(at: Page):
    at.goto("/tenants")
    at.get_by_label("Name", exact=True).fill("Clinics")
    at.get_by_label("Recipients a month", exact=True).fill("many")

    at.get_by_role("button", name="Add the tenant").click()

    expect(at.locator("#quota-error")).to_contain_text("whole number")
    expect(at.get_by_label("Name", exact=True)).to_have_value("Clinics")


def test_what_may_not_be_done_is_a_notice_and_what_was_typed_stays(at: Page):
    """403 to htmx: the last owner stays an owner."""
    at.goto("/people")
    at.get_by_label("E-mail address").fill("half@typed")

    at.get_by_label("Role of Owner").select_option("viewer")
    at.get_by_role("button", name="Change the role of Owner").click()

    expect(notice(at)).to_contain_text("The last owner of a tenant stays its owner.")
    expect(at.get_by_label("E-mail address")).to_have_value("half@typed")


def test_a_session_that_ended_leads_to_the_door(at: Page):
    at.goto("/t/acme-inc/messages")
    at.context.clear_cookies()

    at.get_by_label("State").select_option("failed")

    expect(at).to_have_url(re.compile("/sign-in$"))
    expect(at.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.mark.parametrize("how", ["aborted", "502"])
def test_no_answer_leaves_the_page_and_says_so(
    at: Page, make, owner, allowed: list[str], how: str
):
    """A proxy's error page, or nothing at all: neither replaces what is there."""
    allowed += ["ERR_FAILED", "Failed to fetch"]
    make.message(owner.here, subject="First")
    at.goto("/t/acme-inc/messages")
    at.route(
        "**/messages/rows*",
        lambda route: (
            route.abort()
            if how == "aborted"
            else route.fulfill(status=502, body="<h1>Bad gateway</h1>")
        ),
    )

    at.get_by_label("State").select_option("failed")

    expect(at.locator("#trouble")).to_be_visible()
    expect(at.locator(".subject")).to_have_text(["First"])
    at.unroute("**/messages/rows*")
    at.get_by_label("State").select_option("queued")
    expect(at.locator("#trouble")).to_be_hidden()


def test_a_message_follows_its_own_fate(at: Page, make, owner):
    """The page asks again while the message moves, and stops at its end."""
    message = make.message(owner.here, subject="Moving")
    at.goto(f"/t/acme-inc/messages/{message.public_id}")
    expect(at.locator(".head .badge")).to_have_text("Queued")

    at.once("dialog", lambda dialog: dialog.accept())
    at.get_by_role("button", name="Cancel what waits").click()

    expect(at.locator(".head .badge")).to_have_text("Cancelled")
    expect(at.locator("#message")).not_to_have_attribute("hx-trigger", re.compile("."))


def test_a_hostile_mail_does_nothing_in_its_frame(at: Page, allowed: list[str]):
    """No script runs, no picture comes from outside; the browser says so."""
    allowed += ["frame is sandboxed", "violates the following Content Security Policy"]
    from portal.services import captures
    from portal.services.captures import Taken

    html = (
        b"<script>parent.document.title='owned'</script>"
        b"<img src='https://evil.example/pixel.png' onerror=\"alert(1)\">"
        b"<b id='shown'>shown</b>"
    )
    kept = captures.keep(
        Taken(
            ehlo="x",
            reverse_path="a@example.org",
            recipients=("b@example.org",),
            content=b"Content-Type: text/html\r\n\r\n" + html,
        )
    )
    stopped: dict[str, str | None] = {}
    at.on("requestfailed", lambda it: stopped.update({it.url: it.failure}))

    at.goto(f"/t/acme-inc/sandbox/{kept}")

    expect(at.frame_locator("iframe").locator("#shown")).to_have_text("shown")
    expect(at).to_have_title(re.compile("no subject"))
    assert stopped == {"https://evil.example/pixel.png": "csp"}  # before it left

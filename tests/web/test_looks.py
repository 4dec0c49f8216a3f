"""Every page in Chromium: light and dark, wide and narrow, and open to everybody.

`LOOKS_TO=FOLDER pytest tests/web/test_looks.py -n0` also leaves a picture of each.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from portal.services import accounts
from portal.store.models import SetupLink
from tests.web.pages import addresses, furnish
from tests.web.windows import examine, keep_picture, look, sign_in, window

pytestmark = [pytest.mark.xdist_group("chromium"), pytest.mark.timeout(300)]

LONG = (
    "Re: Fwd: [EXTERNAL] Ihre Donaudampfschifffahrtsgesellschaftskapitäns"
    "prüfungsanmeldebestätigung und die Rechnung 2026-11-4711, bitte freigeben"
)
WIDTHS = (1440, 360)
THEMES = ("light", "dark")
NO_PAGES = (
    *("csv", "json", "eml", "frame"),
    *("rows", "now", "hint", "host", "providers", "found"),
    "report",  # the rows of a check, as they become known
)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("theme", THEMES)
def test_the_pages_of_a_tenant(browser, served, make, owner, theme, width):
    """No finding of axe, nothing beside the window, no word on the console."""
    app, url = served
    world = furnish(make, owner, subject=LONG)
    page, complaints = window(browser, url, theme, width)
    sign_in(page, url, owner)
    paths = [p for p in addresses(app, world.ids) if not p.endswith(NO_PAGES)]

    wrong = []
    for path in paths:
        wrong += look(page, path)
        keep_picture(page, path, theme, width)
    page.context.close()

    assert wrong == []
    assert complaints == []
    assert len(paths) > 12


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("theme", THEMES)
def test_a_tenant_in_which_nothing_happened(browser, served, owner, theme, width):
    """Each page says what would stand there; the sandbox captures what is sent."""
    _app, url = served
    page, complaints = window(browser, url, theme, width)
    sign_in(page, url, owner)
    nothing = "messages?q=x&status=failed"
    paths = ("", "messages", nothing, "sandbox", "audit?event=none", "keys")

    wrong = []
    for path in paths:
        wrong += look(page, f"/t/acme-inc/{path}")
        keep_picture(page, f"new/{path}", theme, width)
    page.get_by_label("Name of a new key").fill("ops")
    page.get_by_text("Bind it to domains").click()
    page.get_by_label("Only with a From").fill("example.org mail.example.org")
    wrong += examine(page)
    keep_picture(page, "new/key-bound", theme, width)
    page.get_by_role("button", name="Make a key").click()
    page.get_by_role("button", name="Copy the key").wait_for()
    wrong += examine(page)
    keep_picture(page, "new/key-made", theme, width)
    page.context.close()

    assert wrong == []
    assert complaints == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("theme", THEMES)
def test_the_pages_before_the_door(browser, served, installation, theme, width):
    """Set-up, sign-in, a used link and a page that is not there."""
    _app, url = served
    link = f"/set-up/{accounts.make_setup_link(installation)}"
    page, complaints = window(browser, url, theme, width)

    wrong = []
    for path in ("/sign-in", link, "/nowhere"):
        wrong += look(page, path)
        keep_picture(page, path, theme, width)
    SetupLink.update(used_at=1).execute()
    wrong += look(page, link)
    page.context.close()

    assert wrong == []
    assert [text for text in complaints if "410" not in text] == []


@pytest.mark.parametrize("theme", THEMES)
def test_the_menu_of_a_phone(browser, served, make, owner, theme):
    """It opens without a script, holds every page, and closes by Escape."""
    _app, url = served
    furnish(make, owner)
    page, complaints = window(browser, url, theme, 360)
    sign_in(page, url, owner)
    page.goto("/t/acme-inc/messages")
    side = page.get_by_role("complementary")
    expect(side).to_be_hidden()

    page.get_by_role("button", name="Menu").click()
    expect(side.get_by_role("link", name="Overview")).to_be_visible()
    side.locator("summary").click()
    expect(side.get_by_role("link", name="Acme Inc owner")).to_be_visible()
    wrong = examine(page)
    keep_picture(page, "menu", theme, 360)
    page.keyboard.press("Escape")
    expect(side).to_be_hidden()
    page.context.close()

    assert wrong == []
    assert complaints == []

"""Makes the pictures of the README from a real running portal.

python -m tests.screenshots writes docs/overview.png and docs/live-test.png. It runs
as root, because a picture with port 587 is better understood than one with 41273.
"""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.chromium import CHROMIUM
from tests.e2e.conftest import walking
from tests.e2e.person import Person
from tests.e2e.relay import NOBODY, PASSWORD, relaying
from tests.serving import SET_UP, Serving

PORT = 587
DOCS = Path(__file__).parents[1] / "docs"
SUBJECTS = (
    "Your sign-in code",
    "Confirm your address",
    "You are invited to Acme",
    "Your export is ready",
    "Password changed",
)


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        relaying(PORT) as relay,
        walking(Path(folder), relay) as portal,
        sync_playwright() as playwright,
    ):
        chromium = playwright.chromium
        browser = chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(
            base_url=portal.url,
            device_scale_factor=1.5,
        )
        person = Person(page, javascript=True)
        person.sets_up(portal.line(SET_UP))
        person.chooses_own_server()
        person.fills_in(relay, password="not the right one")
        person.tests()
        _shoot(page, "live-test", height=1010)
        person.types_password(PASSWORD)
        person.tests()
        person.saves_and_uses()
        _mail(portal, person.makes_a_key())
        page.goto("/t/production/")
        _shoot(page, "overview", height=720)
        browser.close()


def _mail(portal: Serving, key: str) -> None:
    """A day's mail in small: most of it sent, some of it refused."""
    dice = random.Random(7)
    drafts = [
        {"to": f"pat{n}@example.com", "subject": dice.choice(SUBJECTS), "text": "Hi."}
        for n in range(24)
    ]
    drafts += [
        {"to": NOBODY, "subject": subject, "text": "Hi."} for subject in SUBJECTS[:2]
    ]
    answer = portal.ask("POST", "/send", key=key, body=drafts)
    for message in answer.json()["messages"]:
        portal.settled(message["id"], key=key)


def _shoot(page: Page, name: str, *, height: int) -> None:
    """As high as what the picture is about."""
    page.set_viewport_size({"width": 1280, "height": height})
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    page.screenshot(path=DOCS / f"{name}.png")


if __name__ == "__main__":
    main()

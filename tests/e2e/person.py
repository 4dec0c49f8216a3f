"""What a person does in the browser, one method an intention."""

from __future__ import annotations

import re
from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect

from tests.e2e.relay import HOST, USER, Relay

EMAIL = "kim@acme.example"
RUNNING = re.compile("running|queued|sending")


@dataclass(frozen=True)
class Person:
    page: Page
    javascript: bool

    def sets_up(self, link: str) -> None:
        page = self.page
        page.goto(link)
        page.get_by_label("Name", exact=True).fill("Kim Acme")
        page.get_by_label("E-mail address").fill(EMAIL)
        page.get_by_label("Password").fill("a sentence is fine")
        page.get_by_label("Name of the tenant").fill("production")
        page.get_by_role("button", name="Create and go on").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(
            "Where does your mail go?"
        )

    def chooses_own_server(self) -> None:
        self.page.get_by_role("link", name="Own SMTP server").click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text("New sender")

    def fills_in(self, relay: Relay, *, password: str) -> None:
        page = self.page
        page.get_by_label("Name", exact=True).fill("Acme relay")
        page.get_by_label("Relay host").fill(HOST)
        page.get_by_label("Port", exact=True).fill(str(relay.port))
        page.get_by_label("STARTTLS", exact=True).check(force=True)
        page.get_by_label("User name", exact=True).fill(USER)
        page.get_by_label("From name", exact=True).fill("Acme")
        page.get_by_label("From address", exact=True).fill(USER)
        page.locator("#more > summary").click()
        page.get_by_label("Own certificate authority").fill(relay.ca_pem)
        self.types_password(password)

    def types_password(self, password: str) -> None:
        """Where a password is kept already, to type another is a choice."""
        choice = self.page.locator("input[name=secret][value=type]")
        if choice.count():
            choice.check(force=True)
        self.page.locator("input[name=password]").fill(password)

    def tests(self) -> Locator:
        """Presses the button and watches the ladder to its end."""
        page, ladder = self.page, self.page.locator("#ladder")
        before = ladder.locator("input[name=test]")
        old = before.get_attribute("value") if before.count() else None
        page.locator("#test").click()
        new = ladder.locator(f"input[name=test]:not([value='{old}'])")
        expect(new).to_be_attached()
        if not self.javascript:
            self._reloads_until_it_ends(ladder)
        expect(ladder.locator("#test")).to_be_visible()
        return ladder

    def _reloads_until_it_ends(self, ladder: Locator) -> None:
        for _ in range(100):
            if ladder.get_attribute("aria-busy") is None:
                return
            self.page.wait_for_timeout(100)
            self.page.reload()

    def saves_and_uses(self) -> None:
        self.page.locator("#form footer").get_by_text("Save and use").click()
        expect(self.page.locator("#through")).to_contain_text("Acme relay")

    def makes_a_key(self) -> str:
        page = self.page
        page.goto("/t/production/keys")
        page.get_by_label("Name").fill("product")
        for may in page.locator("input[name=scopes]").all():
            may.check()
        page.get_by_role("button", name="Make a key").click()
        return page.locator("#new-key").inner_text().strip()

    def opens_message(self, subject: str) -> None:
        self.page.goto("/t/production/messages")
        self.page.get_by_role("link", name=subject).click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text(subject)

    def reads_audit(self) -> str:
        self.page.goto("/t/production/audit")
        return self.page.locator("#rows").inner_text()

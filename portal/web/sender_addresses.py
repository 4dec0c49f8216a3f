"""The addresses of the page of one sender: where it saves, tests, repairs, asks."""

from __future__ import annotations

from dataclasses import dataclass

from portal.store.fields import now


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """`sender_id` is None until it is saved, `test_id` where no ladder is shown."""

    slug: str
    sender_id: str | None
    provider_id: str
    test_id: str | None

    @property
    def base(self) -> str:
        return f"/t/{self.slug}/senders"

    @property
    def action(self) -> str:
        """Where the form is saved."""
        return f"{self.base}/{self.sender_id or f'new/{self.provider_id}'}"

    @property
    def test_action(self) -> str:
        return self._beside("test")

    @property
    def repair_action(self) -> str:
        return self._beside("repair")

    @property
    def connect_action(self) -> str:
        return self._beside("connect")

    @property
    def certificate_action(self) -> str:
        return self._beside("certificate")

    @property
    def find_url(self) -> str:
        """Where the relay is looked for; it leads back to a sender that is saved."""
        knows = f"?sender={self.sender_id}" if self.sender_id else ""
        return f"{self.base}/find{knows}"

    @property
    def test_url(self) -> str:
        """Where the ladder asks how far its test is; it knows its page by heart."""
        return self._of_test("")

    @property
    def stop_url(self) -> str:
        return self._of_test("/stop")

    @property
    def shown_at(self) -> str:
        """The page that shows form and ladder as they are now."""
        return f"{self.action}?test={self.test_id}#ladder"

    @property
    def look_again(self) -> str:
        """The same, due again at each look."""
        return f"{self.action}?test={self.test_id}&at={self.moment}#ladder"

    @property
    def moment(self) -> str:
        """Another at each look, so that the next one is due again."""
        return f"{now():%H%M%S%f}"

    def _beside(self, what: str) -> str:
        between = f"/{self.sender_id}" if self.sender_id else ""
        return f"{self.base}{between}/{what}"

    def _of_test(self, what: str) -> str:
        knows = f"?sender={self.sender_id}" if self.sender_id else ""
        return f"/t/{self.slug}/tests/{self.test_id}{what}{knows}"

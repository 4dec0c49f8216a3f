"""What the page of one sender shows: form, words of its provider, live test."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from portal.providers.types import Provider
from portal.services.actor import Actor, Role
from portal.services.senders import SenderView
from portal.services.senders.fields import SANDBOX
from portal.services.senders.handing_over import BY_LINK
from portal.services.senders.keeping import main_secret
from portal.services.senders.signature import DkimRecord
from portal.services.senders.typed import Lender, lender
from portal.services.testing import TestView
from portal.web import chains, rungs, sender_facts, sender_leaving, sender_words
from portal.web.deliverability_words import BeforeUse
from portal.web.sender_addresses import Addresses
from portal.web.sender_asking import Connection
from portal.web.sender_forms import SenderForm
from portal.web.sender_later import Later
from portal.web.sender_oauth import Consent, callback_url
from portal.web.sender_signing_in import Checked, SigningIn


@dataclass(frozen=True, kw_only=True)
class Page:
    """Everything is read already; a template asks for words, never for rows."""

    actor: Actor
    provider: Provider
    form: SenderForm
    sender: SenderView | None = None
    test: TestView | None = None
    lends: bool = False  # the secret typed for the test is still wanted
    consent: Consent | None = None
    checked: Checked | None = None
    stood_in: bool = False  # the platform default carries its mail for now
    record: DkimRecord | None = None  # of the key that signs here
    dns: BeforeUse | None = None  # what it means for a version not in use

    def showing(self, **more: Any) -> Page:
        """The same page with something more to show."""
        return replace(self, **more)

    @cached_property
    def urls(self) -> Addresses:
        return Addresses(
            slug=self.actor.here.slug,
            sender_id=self.sender.id if self.sender else None,
            provider_id=self.provider.id,
            test_id=self.test.id if self.test else None,
        )

    @property
    def may_change(self) -> bool:
        return self.actor.role is not None and self.actor.role.rank >= Role.ADMIN.rank

    @property
    def may_delete(self) -> bool:
        return self.actor.role is Role.OWNER

    @property
    def heading(self) -> str:
        return self.sender.name if self.sender else "New sender"

    @property
    def sandbox(self) -> bool:
        return self.provider.id == SANDBOX

    @property
    def in_use(self) -> bool:
        """The newest version carries the mail."""
        return self.sender is not None and self.sender.active == self.sender.version

    @cached_property
    def lender(self) -> Lender | None:
        """The consent or test of this browser session whose secrets can be used
        again."""
        if self.consent and self.consent.id:
            return lender(self.actor, self.consent.id)
        if self.test is None or not self.lends:
            return None
        return lender(self.actor, self.test.id)

    @property
    def carries(self) -> bool:
        """What was tested is what carries the mail: nothing is left to be done."""
        return self.in_use and not self.edited

    @property
    def test_is_next(self) -> bool:
        """The primary action: neither a repair nor the use of what passed is."""
        if self.test is None or not self.test.is_final:
            return True
        if self.chain and self.chain.anchor:
            return False
        return self.test.status != "sent" and not (self.test.diagnosis or {}).get(
            "repairs"
        )

    @property
    def active(self) -> int:
        """The number of the version that carries mail, 0 for none."""
        return (self.sender.active or 0) if self.sender else 0

    @property
    def may_stop(self) -> bool:
        return self.may_change and bool(self.active or self.stood_in)

    @property
    def without(self) -> str:
        """Where mail would go without this sender, and what waits now with it."""
        return sender_leaving.without(self.actor.installation)

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """The settings to read, for those who may not change them."""
        return sender_facts.facts(self.sender) if self.sender else ()

    @property
    def main_secret(self) -> str | None:
        """The name of the secret that it signs in with; None where it needs none."""
        return main_secret(self.sender.fields) if self.sender else None

    @property
    def secret_stamp(self) -> str:
        stamp = self.sender.secrets.get(self.main_secret or "") if self.sender else None
        return sender_words.saved(stamp) if stamp else ""

    @property
    def edited(self) -> bool:
        """The form shows what is not saved."""
        if self.sender is None:
            return False
        if self.consent and self.consent.id:
            return True
        if self.test is None or not self.lends:
            return False
        same = self.test.fields.settings() == self.sender.fields.settings()
        return not same or (
            self.lender is not None and self.test.version != self.sender.version
        )

    @property
    def badge(self) -> tuple[str, str]:
        if self.sender is None:
            return "draft", "Not saved"
        if self.edited and self.may_change:
            return "warn", "Edited, not saved"
        return sender_words.badge(self.sender, stood_in=self.stood_in)

    @property
    def came_by_link(self) -> bool:
        """Somebody else gave what it signs in with, and nobody has tried it."""
        here = self.sender
        return (
            here is not None
            and here.test_status is None
            and (here.saved_by or "").startswith(BY_LINK)
        )

    @property
    def tabs(self) -> tuple[tuple[str, str], ...]:
        """Word and path of each page of a saved sender."""
        secret = self.may_change and self.main_secret
        middle = (("Secret", "/secret"),) if secret else ()
        found = (("Connection", ""), *middle, ("Versions", "/versions"))
        if self.sandbox:
            return found
        domain = ("Deliverability", "/deliverability")
        more = (domain, ("Guide", "/guide"), ("Hand-over", "/hand-over"))
        return (*found[:-1], *more, found[-1])

    @property
    def wrong(self) -> tuple[tuple[str, str], ...]:
        """Id and label of each field that is refused."""
        provider = self.provider
        own = {"username": provider.username_label, "password": provider.secret_label}
        ids = {
            "security": "security-starttls",
            "service_account": "service_account_file",
        }
        return tuple(
            (ids.get(field.name, field.name), own.get(field.name, field.label.text))
            for field in self.form
            if field.errors and field.name != "provider"
        )

    @cached_property
    def connection(self) -> Connection:
        return Connection(
            settings=self.actor.installation.settings,
            provider=self.provider,
            form=self.form,
        )

    @cached_property
    def signing_in(self) -> SigningIn:
        return SigningIn(
            settings=self.actor.installation.settings,
            provider=self.provider,
            form=self.form,
            sender=self.sender,
            lender=self.lender,
        )

    @cached_property
    def later(self) -> Later:
        return Later(
            settings=self.actor.installation.settings,
            provider=self.provider,
            form=self.form,
        )

    @property
    def signing_record(self) -> tuple[tuple[str, str, str, str], ...]:
        """What to publish for the key of ours: name, id, value, what it is."""
        if self.record is None or not self.later.signs:
            return ()
        return (
            ("Name", "dkim-name", self.record.name, "the name of the record"),
            ("Type", "dkim-type", "TXT", "its type"),
            ("Value", "dkim-value", self.record.value, "its value"),
        )

    @property
    def redirect_uri(self) -> str:
        return callback_url(self.actor.installation.settings)

    @property
    def ladder(self) -> rungs.Ladder | None:
        return rungs.ladder(self.test) if self.test else None

    @cached_property
    def chain(self) -> chains.Chain | None:
        return chains.chain(self.test) if self.test else None

    @property
    def to(self) -> str:
        if self.form.to.data:
            return str(self.form.to.data)
        if self.test:
            return self.test.to
        return self.actor.person.email if self.actor.person else ""

    @property
    def to_error(self) -> str:
        return " ".join(self.form.to.errors)

    @property
    def untested_title(self) -> str:
        if self.sender and self.sender.tested_at:
            at, status = self.sender.tested_at, self.sender.test_status
            _, word, rest = sender_words.last_test(status, at)
            return f"{word} {rest}"
        return "Nothing tested yet"

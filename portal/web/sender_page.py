"""What the page of one sender shows: form, words of its provider, live test."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from portal.providers.types import Provider, UsernameRule
from portal.services.actor import Actor, Role
from portal.services.senders import SenderView, port_note, usual_security
from portal.services.senders.fields import SANDBOX
from portal.services.senders.grammar import MECHANISMS
from portal.services.senders.typed import Lender, lender
from portal.services.testing import TestView
from portal.store.fields import now
from portal.web import rungs, sender_words
from portal.web.sender_forms import KEEP, LATER, LENT, TYPED, SenderForm, places


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """A port and an encryption that seldom go together, and what would fit."""

    sentence: str
    usual: str
    word: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretPart:
    """How the secret is asked for; `choices` are value, word and help."""

    label: str
    hint: str
    help: str
    choices: tuple[tuple[str, str, str], ...]
    chosen: str


def hint(port: str, security: str) -> Hint | None:
    number = int(port) if port.isdecimal() and len(port) < 6 else None
    sentence = port_note(number, security)
    usual = usual_security(number)
    if sentence is None or usual is None:
        return None
    return Hint(
        sentence=sentence, usual=usual, word=f"Use {sender_words.SECURITY[usual]}"
    )


@dataclass(frozen=True, kw_only=True)
class Page:
    """Everything is read already; a template asks for words, never for rows."""

    actor: Actor
    provider: Provider
    form: SenderForm
    sender: SenderView | None = None
    test: TestView | None = None
    lends: bool = False  # the secret typed for the test is still wanted

    @property
    def slug(self) -> str:
        return self.actor.here.slug

    @property
    def base(self) -> str:
        return f"/t/{self.slug}/senders"

    @property
    def test_url(self) -> str:
        """Where the ladder asks how far its test is; it knows its page by heart."""
        found = f"/t/{self.slug}/tests/{self.test.id if self.test else ''}"
        return f"{found}?sender={self.sender.id}" if self.sender else found

    @property
    def stop_url(self) -> str:
        path, _, query = self.test_url.partition("?")
        return f"{path}/stop?{query}" if query else f"{path}/stop"

    @property
    def shown_at(self) -> str:
        """The page that shows form and ladder as they are now."""
        return f"{self.action}?test={self.test.id}#ladder" if self.test else self.action

    @property
    def action(self) -> str:
        """Where the form is saved."""
        if self.sender:
            return f"{self.base}/{self.sender.id}"
        return f"{self.base}/new/{self.provider.id}"

    @property
    def test_action(self) -> str:
        return self._beside("test")

    @property
    def repair_action(self) -> str:
        return self._beside("repair")

    def _beside(self, what: str) -> str:
        if self.sender:
            return f"{self.base}/{self.sender.id}/{what}"
        return f"{self.base}/{what}"

    @property
    def look_again(self) -> str:
        test_id = self.test.id if self.test else ""
        return f"{self.action}?test={test_id}&at={self.moment}#ladder"

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
        """The test of this browser session whose typed secret can be used again."""
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
        return self.test.status != "sent" and not (self.test.diagnosis or {}).get(
            "repairs"
        )

    @property
    def active(self) -> int:
        """The number of the version that carries mail, 0 for none."""
        return (self.sender.active or 0) if self.sender else 0

    @property
    def without(self) -> str:
        """Where mail would go without this sender."""
        installation = self.actor.installation
        if installation.settings.default_sender:
            return "Mail then goes through the platform default."
        if installation.sandbox_port() is not None:
            return "The sandbox then captures every mail; nothing leaves."
        return "Mail then has no way out, and POST /send answers 503."

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """The settings to read, for those who may not change them."""
        return sender_words.facts(self.sender) if self.sender else ()

    @property
    def secret_stamp(self) -> str:
        stamp = self.sender.secrets.get("password") if self.sender else None
        return sender_words.saved(stamp) if stamp else ""

    @property
    def edited(self) -> bool:
        """The form shows what is not saved."""
        if self.sender is None or self.test is None or not self.lends:
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
        return sender_words.badge(self.sender)

    @property
    def tabs(self) -> tuple[tuple[str, str], ...]:
        """Word and path of each page of a saved sender."""
        secret = self.sender and self.may_change and self.sender.fields.needs_secret
        middle = (("Secret", "/secret"),) if secret else ()
        return (("Connection", ""), *middle, ("Versions", "/versions"))

    # The connection

    @cached_property
    def places(self) -> tuple[tuple[str, str], ...]:
        """Hosts to choose between, as value and word; none where there is one."""
        found = places(self.provider)
        if len(found) < 2:
            return ()
        listed = tuple((each.host, sender_words.place(each)) for each in found)
        known = any(host == self.form.host.data for host, _ in listed)
        return listed if known else (("", "Choose, or type a host below"), *listed)

    @property
    def places_word(self) -> str:
        return "Region" if self.provider.regions else "What for"

    @property
    def host_help(self) -> str:
        pattern = self.provider.host_template or ""
        if self.provider.shown_host and not places(self.provider):
            return f"Like {self.provider.shown_host}."
        return f"Like {pattern}." if pattern and not self.places else ""

    @property
    def ports(self) -> tuple[tuple[int, str], ...]:
        return tuple(
            (each.port, sender_words.SECURITY[each.security])
            for each in self.provider.ports
        )

    @property
    def securities(self) -> tuple[tuple[str, str], ...]:
        return tuple(sender_words.SECURITY.items())

    @property
    def hint(self) -> Hint | None:
        return hint(self.form.port.data or "", self.form.security.data or "")

    # Signing in

    @cached_property
    def auths(self) -> tuple[tuple[str, str], ...]:
        """The ways to sign in that this provider takes and the portal knows."""
        ways = sender_words.ways(self.provider)
        stored = self.form.auth.data
        if stored and stored not in ways:
            ways = (*ways, stored)
        return tuple((way, sender_words.auth(way, self.provider)) for way in ways)

    @property
    def signs_in(self) -> bool:
        return any(way != "none" for way, _ in self.auths)

    @property
    def knows_address(self) -> bool:
        return any(way == "none" for way, _ in self.auths)

    @property
    def refuses_passwords(self) -> bool:
        """A provider whose own ways to sign in are all unknown to the portal."""
        return not sender_words.known_ways(self.provider)

    @property
    def asks_username(self) -> bool:
        """A server token is its own user name and is asked for once."""
        token = self.provider.username_rule is UsernameRule.SERVER_TOKEN
        return not token or bool(self.form.username.data)

    @cached_property
    def secret(self) -> SecretPart:
        label = self.provider.secret_label
        choices = self._secret_choices()
        given = self.form.secret.data
        values = [value for value, _, _ in choices]
        chosen = given if given in values else (values or [TYPED])[0]
        if self.form.password.errors:
            chosen = TYPED
        other = "Replace it" if KEEP in values else "Type another"
        return SecretPart(
            label=label,
            hint=_joined(
                self.provider.secret_hint, "Kept encrypted, never shown again."
            ),
            help="Changing host, port, encryption, user name or authority asks for it"
            " again.",
            choices=(*choices, (TYPED, other, "")) if choices else (),
            chosen=chosen,
        )

    def _secret_choices(self) -> tuple[tuple[str, str, str], ...]:
        found = []
        stamp = self.sender.secrets.get("password") if self.sender else None
        if self.lender:
            left = sender_words.minutes(self.lender.until - now())
            word = f"Kept for {left} more, for this browser alone."
            found.append((LENT, "Use the one typed for the test", word))
        if stamp:
            found.append((KEEP, "Keep the saved one", sender_words.saved(stamp)))
        return tuple(found)

    @property
    def egress(self) -> tuple[tuple[str, str, str, str], ...]:
        """What a relay's administrator must allow: name, id, value, what it is."""
        settings = self.actor.installation.settings
        rows = [
            (f"IPv{6 if ':' in ip else 4}", f"ip-{n}", ip, "the address")
            for n, ip in enumerate(settings.egress_ips)
        ]
        if settings.egress_host:
            rows.append(("Host", "egress-host", settings.egress_host, "the host name"))
        rows.append(("EHLO", "ehlo", self.ehlo_name, "the EHLO name"))
        return tuple(rows)

    @property
    def egress_unknown(self) -> bool:
        settings = self.actor.installation.settings
        return not settings.egress_ips and not settings.egress_host

    @property
    def ehlo_name(self) -> str:
        return self.form.ehlo_name.data or self.actor.installation.settings.ehlo_name

    # Identity and pace

    @property
    def from_help(self) -> str:
        return sender_words.verified(self.provider)

    @property
    def limits_help(self) -> str:
        return sender_words.limits(self.provider)

    @property
    def mechanisms(self) -> tuple[tuple[str, str], ...]:
        usual = ("", "The strongest that the relay offers")
        return (usual, *((each, each) for each in MECHANISMS))

    @property
    def more_open(self) -> bool:
        return any(self.form._fields[name].errors for name in LATER)

    # The live test

    @property
    def ladder(self) -> rungs.Ladder | None:
        return rungs.ladder(self.test) if self.test else None

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

    @property
    def moment(self) -> str:
        """Another at each look, so that the next one is due again."""
        return f"{now():%H%M%S%f}"


def _joined(*sentences: str | None) -> str:
    return " ".join(
        each if each.endswith(".") else f"{each}." for each in sentences if each
    )

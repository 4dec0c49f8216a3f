"""How the sender form asks: for a relay, and for a way to sign in to it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from portal.providers.types import Provider, UsernameRule
from portal.services.actor import Actor
from portal.services.senders import SenderView, port_note, usual_security
from portal.services.senders.typed import Lender
from portal.store.fields import now
from portal.web import sender_words
from portal.web.sender_forms import KEEP, LENT, TYPED, SenderForm, places


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
class Connection:
    """The relay: its hosts to choose between, its ports, what fits together."""

    provider: Provider
    form: SenderForm

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


@dataclass(frozen=True, kw_only=True)
class SigningIn:
    """The ways to sign in, in the provider's own words, and whose secret is meant."""

    actor: Actor
    provider: Provider
    form: SenderForm
    sender: SenderView | None
    lender: Lender | None  # the test whose typed secret can be used again

    @cached_property
    def auths(self) -> tuple[tuple[str, str], ...]:
        """The ways to sign in that this provider takes and the portal knows."""
        ways = sender_words.ways(self.provider)
        stored = self.form.auth.data
        if stored and stored not in ways:
            ways = (*ways, stored)
        return tuple((way, sender_words.auth(way, self.provider)) for way in ways)

    @property
    def by_secret(self) -> bool:
        return any(way != "none" for way, _ in self.auths)

    @property
    def by_address(self) -> bool:
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


def _joined(*sentences: str | None) -> str:
    return " ".join(
        each if each.endswith(".") else f"{each}." for each in sentences if each
    )

"""How the sender form asks for a way to sign in, and whose secrets are meant."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from portal.config import Settings
from portal.crypto.certificates import BadCertificate, CertificateFacts, described
from portal.providers.types import Provider, UsernameRule
from portal.services.senders import SenderView
from portal.services.senders.typed import Lender
from portal.store.fields import now
from portal.web import sender_words
from portal.web.sender_forms import KEEP, LENT, SECRETS, TYPED, SenderForm
from portal.web.sender_oauth import Asking

_UNSEEN = "Kept encrypted, never shown again."
_LABELS = {
    "oauth.client_secret": "Client secret",
    "oauth.refresh_token": "Refresh token",
    "oauth.service_account": "Key file of the service account",
    "client_key": "Certificate and key",
}
_HINTS = {
    "oauth.client_secret": f"Its value, not its ID. {_UNSEEN}",
    "oauth.refresh_token": f"Only if you have one already. {_UNSEEN}",
    "oauth.service_account": f"The JSON file. {_UNSEEN}",
}
_OF_TOKEN = "the token address, the client ID or the relay"  # noqa: S105, words
_ASKED_AGAIN = {
    "password": "host, port, encryption, user name or authority",
    "oauth.client_secret": _OF_TOKEN,
    "oauth.refresh_token": _OF_TOKEN,
    "oauth.service_account": _OF_TOKEN,
}
EXPIRES_SOON_DAYS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretPart:
    """How a secret is asked for; `choices` are value, word and help."""

    name: str  # of its field
    choice: str  # of the radio buttons beside it
    label: str
    hint: str
    help: str
    choices: tuple[tuple[str, str, str], ...]
    chosen: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateShown:
    """A certificate to read: whose it is, from whom, and how long it lasts."""

    subject: str
    issuer: str
    not_after: datetime
    state: str
    left: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Files of a certificate, just looked at: what they are, or why they cannot
    be used."""

    shown: CertificateShown | None = None
    fault: str = ""
    advice: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SigningIn:
    """The ways to sign in, in the provider's own words."""

    settings: Settings
    provider: Provider
    form: SenderForm
    sender: SenderView | None
    lender: Lender | None  # whose typed secrets can be used again

    @cached_property
    def auths(self) -> tuple[tuple[str, str], ...]:
        """The ways to sign in that this provider takes."""
        ways = sender_words.ways(self.provider)
        stored = self.form.auth.data
        if stored and stored not in ways:
            ways = (*ways, stored)
        return tuple((way, sender_words.auth(way, self.provider)) for way in ways)

    def takes(self, *ways: str) -> bool:
        return any(way in ways for way, _ in self.auths)

    @property
    def by_password(self) -> bool:
        return self.takes("password", "api_key", "client_cert")

    @cached_property
    def oauth(self) -> Asking:
        return Asking(provider=self.provider, form=self.form)

    @property
    def asks_username(self) -> bool:
        """A server token is its own user name and is asked for once."""
        token = self.provider.username_rule is UsernameRule.SERVER_TOKEN
        return not token or bool(self.form.username.data)

    def secret(self, name: str) -> SecretPart:
        """`name` is one of the services' SECRETS."""
        field, choice = SECRETS[name]
        label = _LABELS.get(name, self.provider.secret_label)
        hint = _HINTS.get(name) or _joined(self.provider.secret_hint, _UNSEEN)
        choices = self._choices(name)
        errors = self.form._fields[field].errors
        values = [value for value, _, _ in choices]
        given = self.form.choice_of(name)
        chosen = given if given in values else (values or [TYPED])[0]
        other = "Replace it" if KEEP in values else "Give another"
        again = _ASKED_AGAIN.get(name)
        return SecretPart(
            name=field,
            choice=choice,
            label=label,
            hint=hint,
            help=f"Changing {again} asks for it again." if again else "",
            choices=(*choices, (TYPED, other, "")) if choices else (),
            chosen=TYPED if errors else chosen,
            error=" ".join(errors),
        )

    def fresh(self, name: str) -> SecretPart:
        """As `secret`, where a new one is to be given in any case."""
        return replace(self.secret(name), choices=(), chosen=TYPED)

    def _choices(self, name: str) -> tuple[tuple[str, str, str], ...]:
        found = []
        stamp = self.sender.secrets.get(name) if self.sender else None
        if self.lender and name in self.lender.fields.secrets:
            left = sender_words.minutes(self.lender.until - now())
            word = f"Kept for {left} more, for this browser alone."
            found.append((LENT, sender_words.lent(name), word))
        if stamp:
            found.append((KEEP, "Keep the saved one", sender_words.saved(stamp)))
        return tuple(found)

    @cached_property
    def certificate(self) -> CertificateShown | None:
        """The certificate that would be shown to the relay."""
        lent = self.lender.fields.client_cert if self.lender else None
        pem = lent or (self.sender.fields.client_cert if self.sender else None)
        try:
            return shown(described(pem)[0]) if pem else None
        except BadCertificate:
            return None

    @property
    def egress(self) -> tuple[tuple[str, str, str, str], ...]:
        """What a relay's administrator must allow: name, id, value, what it is."""
        settings = self.settings
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
        return not self.settings.egress_ips and not self.settings.egress_host

    @property
    def ehlo_name(self) -> str:
        return self.form.ehlo_name.data or self.settings.ehlo_name


def shown(facts: CertificateFacts) -> CertificateShown:
    left = facts.not_after - now()
    state = "pass" if left.days >= EXPIRES_SOON_DAYS else "warn"
    gone = left.total_seconds() <= 0
    return CertificateShown(
        subject=facts.subject,
        issuer=facts.issuer,
        not_after=facts.not_after,
        state="failed" if gone else state,
        left="expired" if gone else f"in {sender_words.minutes(left)}",
    )


def _joined(*sentences: str | None) -> str:
    return " ".join(
        each if each.endswith(".") else f"{each}." for each in sentences if each
    )

"""The sender form: which fields a browser may send, and where a refusal stands."""

from __future__ import annotations

from flask import request
from wtforms import FileField, PasswordField, StringField

from portal.errors import FieldError
from portal.providers.types import Host, Provider
from portal.web.forms import PortalForm

PACING = ("max_connections", "per_minute", "per_hour", "per_day")
# Fields of the form that stand for fields inside of `oauth` and `dkim_signing`.
OAUTH = ("grant", "token_url", "authorize_url", "client_id", "scope", "subject")
SIGNING = {
    "domain": "dkim_domain",
    "selector": "dkim_selector",
    "algorithm": "dkim_algorithm",
}
# What the checks of the domain look for: fields inside of `dkim`, and others.
DKIM = ("selectors", "signing_domain", "return_path")
LOOKED_FOR = (*DKIM, "relay_ips", "blocklists")
# Which secret is meant: the stored one, the one typed for the last live test, or
# the one in the field.
KEEP, LENT, TYPED = "keep", "lent", "type"
# Beside a certificate: nothing, or a password as well.
ALONE, WITH_PASSWORD = "alone", "with_password"
OFF, OWN_KEY = "off", "own"  # DKIM signatures
# By a secret's name in a sender: its field here, and the choice beside it.
SECRETS = {
    "password": ("password", "secret"),
    "oauth.client_secret": ("client_secret", "client_secret_choice"),
    "oauth.refresh_token": ("refresh_token", "refresh_token_choice"),
    "oauth.service_account": ("service_account", "service_account_choice"),
    "client_key": ("client_cert_file", "client_cert_choice"),
}
OF_GRANT = {
    "client_credentials": ("oauth.client_secret",),
    "refresh_token": ("oauth.client_secret", "oauth.refresh_token"),
    "jwt_bearer": ("oauth.service_account",),
}
# Fields whose name and value are those of a setting, as they are.
PLAIN = (
    "name",
    "host",
    "port",
    "security",
    "mechanism",
    "ca",
    "ehlo_name",
    "from_name",
    "from_address",
    "reply_to_name",
    "reply_to_address",
    "mail_from",
    "allowed_from",
    "relay_ips",
    "blocklists",
    "on_lost_reply",
    "fallback_after",
)
# Behind “More”; the rest stands open.
LATER = (
    "ehlo_name",
    "mail_from",
    "allowed_from",
    "mechanism",
    "on_lost_reply",
    "fallback_after",
    "ca",
    *PACING,
)
_BESIDE = {
    **{f"dkim_signing.{inner}": name for inner, name in SIGNING.items()},
    "dkim_signing.key": "dkim_selector",
    "client_cert": "client_cert_file",
    "client_key": "client_key_file",
}


class SenderForm(PortalForm):
    """What a browser sends is text; what it means is judged by the service."""

    name = StringField("Name")
    provider = StringField()  # of a sender that is not saved yet
    place = StringField()  # a host of the catalogue, chosen by its region or use
    place_was = StringField()
    host = StringField("Relay host")
    port = StringField("Port")
    security = StringField("Encryption")
    auth = StringField("Signing in")
    mechanism = StringField("Sign-in mechanism")
    username = StringField("User name")
    secret = StringField()
    password = PasswordField("Password")
    grant = StringField("Who asks for the token")
    mailbox = StringField("Mailbox")  # the user name of a token
    directory = StringField("Directory (tenant) ID")  # fills the addresses
    token_url = StringField("Token address")
    authorize_url = StringField("Consent address")
    client_id = StringField("Client ID")
    client_secret = PasswordField("Client secret")
    client_secret_choice = StringField()
    scope = StringField("Scope")
    refresh_token = PasswordField("Refresh token")
    refresh_token_choice = StringField()
    service_account = PasswordField("Key file of the service account")
    service_account_file = FileField()
    service_account_choice = StringField()
    subject = StringField("Mailbox to act for")
    consent = StringField()  # what a person allowed, not saved yet
    client_cert_file = FileField("Certificate")
    client_key_file = FileField("Its private key")
    client_passphrase = PasswordField("Passphrase")
    client_cert_choice = StringField()
    beside_cert = StringField("Besides the certificate")
    ca = StringField("Own certificate authority")
    ca_file = FileField()
    ehlo_name = StringField("EHLO name")
    from_name = StringField("From name")
    from_address = StringField("From address")
    reply_to_name = StringField("Reply-To name")
    reply_to_address = StringField("Reply-To address")
    mail_from = StringField("Reverse-path")
    allowed_from = StringField("Other From addresses")
    signing = StringField("DKIM signature")
    dkim_domain = StringField("Signing domain")
    dkim_selector = StringField("Selector")
    dkim_algorithm = StringField("Kind of key")
    selectors = StringField("DKIM selectors")
    signing_domain = StringField("Domain that the relay signs with")
    return_path = StringField("Return path")
    relay_ips = StringField("Addresses that its mail leaves from")
    blocklists = StringField("Block lists to ask")
    on_lost_reply = StringField("When the answer to a whole mail is lost")
    fallback_after = StringField("Failures in a row until the platform default sends")
    max_connections = StringField("Connections at once")
    per_minute = StringField("Recipients a minute")
    per_hour = StringField("Recipients an hour")
    per_day = StringField("Recipients a day")
    to = StringField("Send to")
    test = StringField()  # the live test whose ladder is on the page

    def _beside(self, error: FieldError) -> None:
        """`pacing.per_hour` stands beside `per_hour`."""
        inner = _BESIDE.get(error.field) or error.field.rpartition(".")[2]
        if inner == "username" and self.auth.data == "oauth2":
            inner = "mailbox"
        super()._beside(FieldError(inner, error.detail))

    def refuse_one(self, error: FieldError) -> None:
        self._beside(error)

    def has(self, name: str) -> bool:
        """Whether the browser showed this field."""
        return name in request.form or name in request.files

    def upload(self, name: str) -> bytes:
        """The file of this field, empty without one."""
        found = request.files.get(name)
        return found.read() if found else b""

    @property
    def test_id(self) -> str | None:
        return self.test.data or None

    @property
    def secrets(self) -> tuple[str, ...]:
        """Names of the secrets that belong to the way of signing in."""
        way = self.auth.data
        if way == "oauth2":
            return OF_GRANT.get(self.grant.data or "", ())
        if way == "client_cert":
            beside = self.beside_cert.data == WITH_PASSWORD
            return ("client_key", "password") if beside else ("client_key",)
        return () if way == "none" else ("password",)

    def choice_of(self, secret: str) -> str:
        """Which one is meant: kept, lent, typed; empty where nothing was to choose."""
        return str(self._fields[SECRETS[secret][1]].data or "")

    @property
    def typed_in(self) -> str | None:
        """The consent or live test whose typed secrets are meant; without a choice
        on the page, the one that was typed last."""
        choices = {self.choice_of(each) for each in self.secrets}
        if LENT in choices or not choices - {""}:
            return self.consent.data or self.test_id
        return None

    @property
    def keeps_all(self) -> bool:
        """Whoever keeps what is saved is not offered what was typed for the test."""
        return {self.choice_of(each) for each in self.secrets} == {KEEP}

    @property
    def to_use(self) -> bool:
        return request.form.get("then") == "use"

    @property
    def to_hand_over(self) -> bool:
        """Somebody else has what it signs in with: it is saved without."""
        return request.form.get("then") == "hand_over"


def places(provider: Provider) -> tuple[Host, ...]:
    """The hosts that a person chooses between: by region, or by what they are for."""
    hosts = [each for each in provider.hosts if not each.is_pattern]
    named = {each.region for each in hosts}
    for region in provider.regions:
        host = provider.host_in(region)
        if region not in named and host:
            hosts.append(Host(host=host, region=region))
    return tuple(hosts)


def find_place(provider: Provider, host: str) -> Host | None:
    return next((each for each in places(provider) if each.host == host), None)

"""Reads how a sender signs in: with a password, a token, a certificate, or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from portal.address import BadAddress, parse_mailbox
from portal.crypto.certificates import BadCertificate, client_certificate, described
from portal.delivery.grants import Grant
from portal.delivery.service_account import (
    BadServiceAccount,
    ServiceAccount,
    read_service_account,
)
from portal.delivery.types import Auth
from portal.providers.types import Provider, UsernameRule
from portal.secret import Secret
from portal.services.senders import grammar
from portal.services.senders.fields import (
    CLIENT_KEY,
    CLIENT_SECRET,
    PASSWORD,
    REFRESH_TOKEN,
    SERVICE_ACCOUNT,
    OAuthFields,
)
from portal.services.senders.inputs import Inputs
from portal.store.fields import now

# Secrets inside of `oauth`, by the grants that use them.
_OF_GRANT = {
    Grant.CLIENT_CREDENTIALS: (CLIENT_SECRET,),
    Grant.REFRESH_TOKEN: (CLIENT_SECRET, REFRESH_TOKEN),
    Grant.JWT_BEARER: (SERVICE_ACCOUNT,),
}
_INNER = {
    name: name.partition(".")[2]
    for name in (CLIENT_SECRET, REFRESH_TOKEN, SERVICE_ACCOUNT)
}
OAUTH = frozenset((*(each.name for each in fields(OAuthFields)), *_INNER.values()))
# What an upload gives besides the fields of a sender; never stored as it came.
UPLOADS = frozenset(("client_cert_file", "client_key_file", "client_passphrase"))


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """`secrets` are the ones that were typed or uploaded now."""

    mechanism: str | None = None
    username: str = ""
    oauth: OAuthFields | None = None
    client_cert: str | None = None
    secrets: Mapping[str, Secret] = field(default_factory=dict, repr=False)


def read(given: Inputs, auth: Auth, provider: Provider | None) -> SignIn:
    """What belongs to this way of signing in; all else is not even looked at, so
    that an allowed IP stores and sends nothing to sign in with."""
    if auth is Auth.NONE:
        return SignIn()
    secrets: dict[str, Secret | None] = {}
    oauth = None
    if auth in (Auth.PASSWORD, Auth.API_KEY):
        secrets[PASSWORD] = given.exactly("password")
    if auth is Auth.OAUTH2:
        oauth = _oauth(given, secrets)
    certificate, secrets[CLIENT_KEY] = _certificate(given)
    return SignIn(
        mechanism=given.read("mechanism", grammar.mechanism),
        username=_username(given, auth, provider, secrets.get(PASSWORD)),
        oauth=oauth,
        client_cert=certificate,
        secrets={name: each for name, each in secrets.items() if each},
    )


def _username(
    given: Inputs, auth: Auth, provider: Provider | None, secret: Secret | None
) -> str:
    username = given.read("username", grammar.username) or ""
    if auth in (Auth.OAUTH2, Auth.CLIENT_CERT):
        return username  # empty: the From address; who the certificate names
    rule = provider.username_rule if provider else None
    if rule is UsernameRule.SERVER_TOKEN and secret and Secret(username) == secret:
        return ""  # the token is the user name: it is stored once, and sealed
    if (
        not username
        and rule is UsernameRule.LITERAL
        and provider
        and provider.username_value
    ):
        return provider.username_value
    if (
        not username
        and rule is not UsernameRule.SERVER_TOKEN
        and not given.is_wrong("username")
    ):
        given.refuse("username", "The relay asks for a user name.")
    return username


def _oauth(given: Inputs, secrets: dict[str, Secret | None]) -> OAuthFields:
    part = given.part("oauth", OAUTH)
    grant = part.choice("grant", tuple(Grant))
    if part.is_wrong("grant"):
        return OAuthFields(grant=grant, token_url="")
    for name in _OF_GRANT[grant]:
        inner = _INNER[name]
        secrets[name] = (
            part.document(inner) if name == SERVICE_ACCOUNT else part.exactly(inner)
        )
    is_assertion = grant is Grant.JWT_BEARER
    text = secrets.get(SERVICE_ACCOUNT)
    account = _judge_account(part, text) if text else None
    token_url = part.read("token_url", grammar.https_url) or ""
    if not part.text("token_url") and account and account.token_uri:
        token_url = _named_by(account, part)
    elif not part.text("token_url"):
        part.refuse("token_url", "Which address gives out the tokens?")
    if not is_assertion and not part.text("client_id"):
        part.refuse("client_id", "Under which client id is this portal registered?")
    if is_assertion and not part.text("scope"):
        part.refuse("scope", "Which scopes shall the service account ask for?")
    return OAuthFields(
        grant=grant,
        token_url=token_url,
        client_id=""
        if is_assertion
        else part.read("client_id", grammar.client_id) or "",
        scope=part.read("scope", grammar.scope) or "",
        subject=part.read("subject", grammar.address) if is_assertion else None,
        authorize_url=part.read("authorize_url", grammar.https_url)
        if grant is Grant.REFRESH_TOKEN
        else None,
    )


def _named_by(account: ServiceAccount, part: Inputs) -> str:
    """Where the file itself says that its tokens come from."""
    try:
        return grammar.https_url(account.token_uri)
    except ValueError as error:
        part.refuse("token_url", str(error))
        return ""


def _judge_account(part: Inputs, text: Secret) -> ServiceAccount | None:
    """A key file of a service account: JSON with a mailbox and an RSA key."""
    try:
        account = read_service_account(text.reveal())
        parse_mailbox(account.client_email)
    except BadAddress as error:
        part.refuse("service_account", f"client_email: {error}")
    except BadServiceAccount as error:
        part.refuse("service_account", str(error))
    else:
        return account
    return None


def _certificate(given: Inputs) -> tuple[str | None, Secret | None]:
    """The certificate, and its key where one came along; both in plain PEM."""
    uploaded, key = given.file("client_cert_file"), given.file("client_key_file")
    typed_key = given.exactly("client_key")
    if key is None and typed_key:
        key = typed_key.reveal().encode()
    data = uploaded or given.text("client_cert").encode()
    if not data:
        if key is not None:
            given.refuse("client_cert", "To which certificate does this key belong?")
        return None, None
    try:
        if key is None and _is_certificate_alone(data):
            return _in_date(data.decode()), None
        found = client_certificate(
            data, key=key, passphrase=given.exact("client_passphrase") or None
        )
    except (BadCertificate, ValueError) as error:
        given.refuse("client_cert", str(error))
        return None, None
    return found.cert_pem, Secret(found.key_pem)


def _is_certificate_alone(data: bytes) -> bool:
    return b"-----BEGIN CERTIFICATE-----" in data and b"PRIVATE KEY-----" not in data


def _in_date(text: str) -> str:
    """A certificate whose key is stored already."""
    facts = described(text)
    if not facts or facts[0].not_after < now():
        raise BadCertificate("This certificate has expired. Upload a new one.")
    return "".join(each.pem for each in facts)

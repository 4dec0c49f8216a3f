"""The relay of a try, and how it signs in, as the options have it."""

from __future__ import annotations

from pathlib import Path

import click

from portal.address import is_address
from portal.cli import trying_oauth
from portal.cli.files import secret_file, text_file
from portal.cli.trying_given import Given, listed
from portal.cli.trying_mail import refuse_controls
from portal.config import Settings
from portal.crypto.certificates import (
    BadCertificate,
    ClientCertificate,
    client_certificate,
)
from portal.delivery.types import Auth, Relay, Security
from portal.secret import Secret

WITH_PASSWORD = ("SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN", "CRAM-MD5")
WITH_TOKEN = ("XOAUTH2", "OAUTHBEARER")
WITH_CERTIFICATE = ("EXTERNAL",)

_PASSWORD = ("username", "password_file")
_CERTIFICATE = ("client_cert", "client_key", "client_passphrase_file")
_SECRETS = (
    "password_file",
    "client_passphrase_file",
    "access_token_file",
    "client_secret_file",
    "refresh_token_file",
    "service_account_file",
)
_MECHANISMS = {
    Auth.PASSWORD: WITH_PASSWORD,
    Auth.API_KEY: WITH_PASSWORD,
    Auth.OAUTH2: WITH_TOKEN,
    Auth.CLIENT_CERT: WITH_CERTIFICATE,
}


def relay_of(given: Given, settings: Settings) -> Relay:
    """Raises UsageError where the options do not fit together."""
    auth = _auth(given)
    _demand_sense(given, auth)
    helo = given.helo if given.helo is not None else settings.ehlo_name
    for name, value in (("--host", given.host), ("--helo", helo)):
        refuse_controls(name, value)
    if given.local_address is not None and not is_address(given.local_address):
        raise click.UsageError(f"--local-address: {given.local_address} is no IP.")
    password = secret_file(given.password_file) if given.password_file else None
    certificate = _certificate(given)
    by_token = auth is Auth.OAUTH2
    return Relay(
        host=given.host,
        port=given.port,
        security=Security(given.security),
        auth=auth,
        ehlo_name=helo,
        mechanism=given.mechanism,
        username=given.username or (given.subject_user if by_token else None),
        password=None if password is None else Secret(password),
        oauth=trying_oauth.oauth(given) if by_token else None,
        access_token=trying_oauth.access_token(given) if by_token else None,
        client_cert=certificate.cert_pem if certificate else None,
        client_key=Secret(certificate.key_pem) if certificate else None,
        ca_pem=_ca(given.ca_file) if given.ca_file else None,
        local_address=given.local_address,
        allow_cleartext_auth=given.allow_cleartext_auth,
    )


def _auth(given: Given) -> Auth:
    """As typed, or what the other options can only mean."""
    if given.auth == Auth.CLIENT_CERT and given.password_file is not None:
        return Auth.PASSWORD  # the certificate in TLS, the password in AUTH
    if given.auth is not None:
        return Auth(given.auth)
    if given.typed(*trying_oauth.OPTIONS):
        return Auth.OAUTH2
    if given.client_cert is not None and given.password_file is None:
        return Auth.CLIENT_CERT
    return Auth.PASSWORD if given.typed(*_PASSWORD) else Auth.NONE


def _demand_sense(given: Given, auth: Auth) -> None:
    if auth is Auth.NONE:
        everything = (*_PASSWORD, *_CERTIFICATE, *trying_oauth.OPTIONS, "mechanism")
        if given.typed(*everything):
            raise click.UsageError("--auth none signs in nobody: leave out the rest.")
        return
    if auth in (Auth.PASSWORD, Auth.API_KEY) and given.absent(*_PASSWORD):
        raise click.UsageError(f"--auth {auth} needs --username and --password-file.")
    if auth is not Auth.OAUTH2 and (unused := given.typed(*trying_oauth.OPTIONS)):
        raise click.UsageError(f"{listed(unused)}: only for --auth oauth2.")
    if auth is Auth.OAUTH2:
        _demand_mailbox(given)
    if auth is Auth.CLIENT_CERT and given.client_cert is None:
        raise click.UsageError("--auth client_cert needs --client-cert.")
    if given.client_cert is None and (unused := given.typed(*_CERTIFICATE)):
        raise click.UsageError(f"{listed(unused)}: only together with --client-cert.")
    if given.client_cert is not None and given.security == Security.NONE:
        raise click.UsageError(
            "A certificate is shown in TLS: --client-cert needs --security starttls or"
            " tls."
        )
    known = _MECHANISMS[auth]
    if given.mechanism is not None and given.mechanism.upper() not in known:
        raise click.UsageError(
            f"--mechanism {given.mechanism} is not for --auth {auth}:"
            f" {', '.join(known)}."
        )
    if sum(str(getattr(given, name)) == "-" for name in _SECRETS) > 1:
        raise click.UsageError("Only one secret can come from standard input.")


def _demand_mailbox(given: Given) -> None:
    if given.password_file is not None:
        raise click.UsageError("--auth oauth2 has no use for --password-file.")
    if not (given.username or given.subject_user):
        raise click.UsageError(
            "--auth oauth2 needs --username: the mailbox that the token is for."
        )


def _certificate(given: Given) -> ClientCertificate | None:
    if given.client_cert is None:
        return None
    key, passphrase = given.client_key, given.client_passphrase_file
    try:
        return client_certificate(
            _bytes(given.client_cert),
            key=_bytes(key) if key else None,
            passphrase=secret_file(passphrase) if passphrase else None,
        )
    except BadCertificate as error:
        raise click.UsageError(f"--client-cert: {error}") from None


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise click.UsageError(f"{path} cannot be read: {why}.") from None


def _ca(path: Path) -> str:
    pem = text_file(path)
    if "-----BEGIN CERTIFICATE-----" not in pem:
        raise click.UsageError(f"--ca-file: {path} holds no PEM certificate.")
    return pem

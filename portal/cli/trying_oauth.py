"""`portal try --auth oauth2`: where the access token comes from."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

import click

from portal.cli.files import secret_file
from portal.cli.trying_given import Given, listed
from portal.delivery.grants import Grant, OAuth
from portal.delivery.service_account import BadServiceAccount, read_service_account
from portal.net.https import BadUrl, parse_url
from portal.secret import Secret

OPTIONS = (
    "access_token_file",
    "token_url",
    "client_id",
    "client_secret_file",
    "scope",
    "grant",
    "refresh_token_file",
    "service_account_file",
    "subject_user",
)
_ASKED_FOR = OPTIONS[1:]
_NEEDS = {
    Grant.CLIENT_CREDENTIALS: ("token_url", "client_id", "client_secret_file"),
    Grant.REFRESH_TOKEN: ("token_url", "client_id", "refresh_token_file"),
    Grant.JWT_BEARER: ("service_account_file", "scope"),
}
_HAS_NO_USE_FOR = {
    Grant.CLIENT_CREDENTIALS: (
        "refresh_token_file",
        "service_account_file",
        "subject_user",
    ),
    Grant.REFRESH_TOKEN: ("service_account_file", "subject_user"),
    Grant.JWT_BEARER: ("client_id", "client_secret_file", "refresh_token_file"),
}
_VISIBLE = re.compile(r"[!-~]+")  # RFC 6750 §2.1 and a bit: what AUTH can carry


def access_token(given: Given) -> Secret | None:
    """The ready one of --access-token-file."""
    token = _given_secret(given.access_token_file, "--access-token-file")
    if token is not None and not _VISIBLE.fullmatch(token.reveal()):
        raise click.UsageError(
            "--access-token-file: a token is one line of ASCII without blanks."
        )
    return token


def oauth(given: Given) -> OAuth | None:
    """How to ask for one; None where only a ready one was given."""
    if not given.typed(*_ASKED_FOR):
        if given.access_token_file is None:
            raise click.UsageError(
                "--auth oauth2 needs --access-token-file, or --token-url with what the"
                " token service asks for."
            )
        return None
    grant = Grant(given.grant or _likely(given))
    if missing := given.absent(*_NEEDS[grant]):
        raise click.UsageError(f"--grant {grant} needs {listed(missing)} too.")
    if unused := given.typed(*_HAS_NO_USE_FOR[grant]):
        raise click.UsageError(f"--grant {grant} has no use for {listed(unused)}.")
    return OAuth(
        grant=grant,
        token_url=_token_url(given),
        client_id=given.client_id or "",
        client_secret=_given_secret(given.client_secret_file, "--client-secret-file"),
        scope=given.scope or "",
        refresh_token=_given_secret(given.refresh_token_file, "--refresh-token-file"),
        service_account=_service_account(given),
        subject=given.subject_user,
    )


def keep_rotated(path: Path, token: Secret) -> str:
    """Puts a refresh token in the place of the one that it replaces (RFC 6749 §6);
    the sentence says so, or that the file could not be written."""
    if str(path) == "-":
        return (
            "The token service replaced the refresh token. The new one is not kept, as"
            " the old one came from standard input: give consent again if it is"
            " refused."
        )
    try:
        _replace(path, token.reveal() + "\n")
    except OSError as error:
        why = error.strerror or type(error).__name__
        return (
            f"The token service replaced the refresh token, but {path} cannot be"
            f" written: {why}. Give consent again if the old one is refused."
        )
    return f"The token service replaced the refresh token: {path} holds the new one."


def _replace(path: Path, text: str) -> None:
    """Whole or not at all, and readable by whom the old file was."""
    real = path.resolve()
    mode = real.stat().st_mode & 0o777
    number, name = tempfile.mkstemp(dir=real.parent)
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            os.fchmod(number, mode)
            file.write(text)
            file.flush()
            os.fsync(number)
        Path(name).replace(real)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def _likely(given: Given) -> Grant:
    if given.service_account_file is not None:
        return Grant.JWT_BEARER
    if given.refresh_token_file is not None:
        return Grant.REFRESH_TOKEN
    return Grant.CLIENT_CREDENTIALS


def _token_url(given: Given) -> str:
    """As typed; empty where a service account's file names it."""
    if given.token_url is None:
        return ""
    try:
        parse_url(given.token_url, allow_http=True)
    except BadUrl as error:
        raise click.UsageError(f"--token-url: {error}") from None
    return given.token_url


def _service_account(given: Given) -> Secret | None:
    if given.service_account_file is None:
        return None
    account = _secret(given.service_account_file, "--service-account-file")
    try:
        found = read_service_account(account.reveal())
    except BadServiceAccount as error:
        raise click.UsageError(f"--service-account-file: {error}") from None
    if given.token_url is None and not found.token_uri:
        raise click.UsageError(
            "--service-account-file names no token_uri: give --token-url."
        )
    return account


def _given_secret(path: Path | None, name: str) -> Secret | None:
    return None if path is None else _secret(path, name)


def _secret(path: Path, name: str) -> Secret:
    text = secret_file(path)
    if not text:
        raise click.UsageError(f"{name}: {path} is empty.")
    return Secret(text)

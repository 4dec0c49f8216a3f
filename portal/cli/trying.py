"""`portal try`: one live test from the terminal, without a database."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import click

from portal.cli.files import secret_file, text_file
from portal.cli.trying_words import Watching, document
from portal.config import Settings
from portal.delivery.conversation import converse
from portal.delivery.types import (
    SHELL,
    Auth,
    Limits,
    Outcome,
    Relay,
    Security,
    Stage,
    Status,
)
from portal.diagnosis.types import Diagnosis
from portal.errors import Invalid
from portal.mail import typed
from portal.mail.guard import UnsafeMail
from portal.mail.live_test import test_words
from portal.mail.types import Envelope
from portal.net.open import OpenNet
from portal.providers.catalogue import Catalogue
from portal.secret import Secret
from portal.services import knowledge

MECHANISMS = ("SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN", "CRAM-MD5")
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_FILE = click.Path(path_type=Path)
_SECONDS = click.FloatRange(min=0.1, max=3600)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """The options as typed, each named after its own."""

    host: str
    port: int
    security: str
    auth: str | None
    username: str | None
    allow_cleartext_auth: bool
    password_file: Path | None
    mechanism: str | None
    from_: str | None
    to: tuple[str, ...]
    helo: str | None
    mail_from: str | None
    ca_file: Path | None
    subject: str | None
    text_file: Path | None
    html_file: Path | None
    header: tuple[str, ...]
    local_address: str | None
    stop_after: str | None
    stage_timeout: float
    timeout: float


@click.command(name="try")
@click.option("--host", required=True, metavar="H", help="The relay.")
@click.option("--port", required=True, type=click.IntRange(1, 65535))
@click.option(
    "--security",
    required=True,
    type=click.Choice([each.value for each in Security]),
    help="starttls: required, never skipped; tls: from the start; none: in clear.",
)
@click.option(
    "--auth",
    type=click.Choice([Auth.PASSWORD.value, Auth.API_KEY.value, Auth.NONE.value]),
    help="How to sign in; with a user name or a password file: password.",
)
@click.option("--username", metavar="U")
@click.option(
    "--allow-cleartext-auth",
    is_flag=True,
    help="Send the password without TLS: everybody on the way can read it.",
)
@click.option("--password-file", type=_FILE, metavar="F", help="“-”: standard input.")
@click.option(
    "--mechanism",
    type=click.Choice(MECHANISMS, case_sensitive=False),
    help="Only this one; otherwise the best that the relay offers.",
)
@click.option("--from", "from_", metavar="A", help="The From address, as typed.")
@click.option("--to", multiple=True, metavar="B", help="A recipient, as typed.")
@click.option("--helo", metavar="N", help="The EHLO name, as typed.")
@click.option("--mail-from", metavar="A", help="The reverse-path; empty: <>.")
@click.option("--ca-file", type=_FILE, metavar="F", help="Replaces the trust store.")
@click.option("--subject", metavar="S")
@click.option("--text-file", type=_FILE, metavar="F")
@click.option("--html-file", type=_FILE, metavar="F")
@click.option("--header", multiple=True, metavar="'N: V'", help="One more header.")
@click.option("--local-address", metavar="IP", help="The address to connect from.")
@click.option(
    "--stop-after",
    type=click.Choice([each.value for each in Stage]),
    help="End politely after this stage; before data nothing is sent.",
)
@click.option("--stage-timeout", type=_SECONDS, default=SHELL.command_s, metavar="S")
@click.option("--timeout", type=_SECONDS, default=SHELL.total_s, metavar="S")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def try_(as_json: bool, **options: Any) -> int:
    """Send one mail now and watch the relay, stage by stage.

    Ends with 0 when it was sent (or stopped as asked), with 1 when not. In this
    shell the address guard is off: you may name any host you can reach.
    """
    given = _Given(**options)
    settings = Settings.load(warn=lambda sentence: click.echo(sentence, err=True))
    relay = _relay(given, settings)
    try:
        written, envelope = _mail(given, relay)
    except Invalid as fault:
        error = fault.errors[0]
        raise click.UsageError(f"--{error.field}: {error.detail}") from None
    except UnsafeMail as error:
        raise click.UsageError(f"This mail cannot be built. {error}") from None
    watching = Watching(silent=as_json)
    outcome = asyncio.run(
        converse(
            relay,
            OpenNet(settings.dns),
            envelope,
            written.content,
            watching.on_step,
            limits=Limits.every(given.stage_timeout, given.timeout),
            stop_after=Stage(given.stop_after) if given.stop_after else None,
        )
    )
    diagnosis = _diagnosed(outcome, relay, settings)
    if as_json:
        click.echo(document(outcome, written.message_id, diagnosis))
    else:
        watching.ended(outcome, relay, diagnosis)
    return 0 if outcome.status in (Status.SENT, Status.STOPPED) else 1


def _relay(given: _Given, settings: Settings) -> Relay:
    auth = Auth(given.auth or _likely(given))
    signs_in = auth is not Auth.NONE
    if signs_in and (given.username is None or given.password_file is None):
        raise click.UsageError(f"--auth {auth} needs --username and --password-file.")
    if not signs_in and (given.username or given.password_file or given.mechanism):
        raise click.UsageError("--auth none signs in nobody: leave out the rest.")
    helo = given.helo if given.helo is not None else settings.ehlo_name
    for option, value in (("--host", given.host), ("--helo", helo)):
        _refuse_controls(option, value)
    if given.local_address is not None and not _is_address(given.local_address):
        raise click.UsageError(f"--local-address: {given.local_address} is no IP.")
    secret = secret_file(given.password_file) if given.password_file else None
    return Relay(
        host=given.host,
        port=given.port,
        security=Security(given.security),
        auth=auth,
        ehlo_name=helo,
        mechanism=given.mechanism,
        username=given.username,
        password=None if secret is None else Secret(secret),
        ca_pem=_ca(given.ca_file) if given.ca_file else None,
        local_address=given.local_address,
        allow_cleartext_auth=given.allow_cleartext_auth,
    )


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _likely(given: _Given) -> Auth:
    named = given.username is not None or given.password_file is not None
    return Auth.PASSWORD if named else Auth.NONE


def _ca(path: Path) -> str:
    pem = text_file(path)
    if "-----BEGIN CERTIFICATE-----" not in pem:
        raise click.UsageError(f"--ca-file: {path} holds no PEM certificate.")
    return pem


def _mail(given: _Given, relay: Relay) -> tuple[typed.Written, Envelope]:
    """The bytes and the addresses, as typed; without --to it goes to --from."""
    user = given.username if "@" in (given.username or "") else None
    from_ = given.from_ or given.mail_from or user or ""
    to = given.to or ((_mailbox(from_),) if from_ else ())
    if not to and _reaches(given, Stage.RCPT_TO):
        raise click.UsageError("Give --from and --to: who it is from and for.")
    path = given.mail_from if given.mail_from is not None else _mailbox(from_)
    for option, value in (("--mail-from", path), *(("--to", each) for each in to)):
        _refuse_controls(option, value)
    now = datetime.now(UTC)
    fixed = test_words(now=now)
    has_own = given.text_file is not None or given.html_file is not None
    written = typed.write(
        typed.Typed(
            from_=from_,
            to=to,
            subject=fixed.subject if given.subject is None else given.subject,
            text=_body(given.text_file) if has_own else fixed.text,
            html=_body(given.html_file) if has_own else fixed.html,
            headers=_headers(given.header),
        ),
        host=relay.ehlo_name,
        now=now,
    )
    return written, Envelope(reverse_path=path or None, recipients=to)


def _mailbox(typed_from: str) -> str:
    """What stands between the angle brackets, if there are any."""
    found = re.fullmatch(r"[^<>]*<([^<>]*)>", typed_from.strip())
    return found[1] if found else typed_from


def _reaches(given: _Given, stage: Stage) -> bool:
    order = list(Stage)
    stop = Stage(given.stop_after) if given.stop_after else Stage.POST_DATA
    return order.index(stop) >= order.index(stage)


def _body(path: Path | None) -> str | None:
    return None if path is None else text_file(path)


def _headers(lines: tuple[str, ...]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise click.UsageError(f"--header: “{line}” is not like 'Name: value'.")
        if name in headers:
            raise click.UsageError(f"--header: {name} is there twice.")
        headers[name] = value.strip(" ")
    return headers


def _refuse_controls(option: str, value: str) -> None:
    if _CONTROLS.search(value):
        raise click.UsageError(f"{option} may not hold control characters.")


def _diagnosed(outcome: Outcome, relay: Relay, settings: Settings) -> Diagnosis | None:
    catalogue = Catalogue.load(settings.instance / "providers")
    provider = catalogue.by_host(relay.host)
    hints = knowledge.hints(catalogue, provider.id) if provider else None
    return knowledge.diagnose(outcome, relay, hints)

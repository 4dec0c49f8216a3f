"""`portal try`: one live test from the terminal, without a database."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import click

from portal.cli.trying_given import Given
from portal.cli.trying_mail import mail_of
from portal.cli.trying_oauth import keep_rotated
from portal.cli.trying_relay import (
    WITH_CERTIFICATE,
    WITH_PASSWORD,
    WITH_TOKEN,
    relay_of,
)
from portal.cli.trying_repairs import diagnosed
from portal.cli.trying_words import Watching, document
from portal.config import Settings
from portal.delivery.conversation import converse
from portal.delivery.grants import Grant
from portal.delivery.oauth import FreshTokens
from portal.delivery.types import (
    SHELL,
    Auth,
    Limits,
    Security,
    Stage,
    Status,
)
from portal.errors import Invalid
from portal.mail.guard import UnsafeMail
from portal.net.open import OpenNet

_MECHANISMS = (*WITH_PASSWORD, *WITH_TOKEN, *WITH_CERTIFICATE)
_FILE = click.Path(path_type=Path)
_SECONDS = click.FloatRange(min=0.1, max=3600)


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
    type=click.Choice([each.value for each in Auth]),
    help="How to sign in; without it, what the other options say.",
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
    type=click.Choice(_MECHANISMS, case_sensitive=False),
    help="Only this one; otherwise the best that the relay offers.",
)
@click.option(
    "--client-cert",
    type=_FILE,
    metavar="F",
    help="Shown in TLS: PEM, or PKCS#12 with its key.",
)
@click.option("--client-key", type=_FILE, metavar="F", help="Its key, if apart.")
@click.option(
    "--client-passphrase-file", type=_FILE, metavar="F", help="Opens key or PKCS#12."
)
@click.option(
    "--access-token-file", type=_FILE, metavar="F", help="A ready access token."
)
@click.option("--token-url", metavar="U", help="Where access tokens are asked for.")
@click.option("--client-id", metavar="I")
@click.option("--client-secret-file", type=_FILE, metavar="F")
@click.option("--scope", metavar="S", help="Several are parted by blanks.")
@click.option(
    "--grant",
    type=click.Choice([each.value for each in Grant]),
    help="Without it, what the files say.",
)
@click.option(
    "--refresh-token-file",
    type=_FILE,
    metavar="F",
    help="A new one that comes back is written there.",
)
@click.option(
    "--service-account-file", type=_FILE, metavar="F", help="Google’s JSON key file."
)
@click.option("--subject-user", metavar="U", help="The mailbox it acts for.")
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
    given = Given(**options)
    settings = Settings.load(warn=lambda sentence: click.echo(sentence, err=True))
    relay = relay_of(given, settings)
    try:
        written, envelope = mail_of(given, relay)
    except Invalid as fault:
        error = fault.errors[0]
        raise click.UsageError(f"--{error.field}: {error.detail}") from None
    except UnsafeMail as error:
        raise click.UsageError(f"This mail cannot be built. {error}") from None
    watching = Watching(silent=as_json)
    ends_at = time.monotonic() + given.timeout
    net = OpenNet(settings.dns)
    # In this shell a token service may be a tester's own, without a certificate.
    tokens = FreshTokens(net=net, ca_pem=relay.ca_pem, allow_http=True)
    outcome = asyncio.run(
        converse(
            relay,
            net,
            envelope,
            written.content,
            watching.on_step,
            limits=Limits.every(given.stage_timeout, given.timeout),
            tokens=tokens,
            stop_after=Stage(given.stop_after) if given.stop_after else None,
            look=True,
        )
    )
    if given.refresh_token_file is not None and tokens.rotated is not None:
        click.echo(keep_rotated(given.refresh_token_file, tokens.rotated), err=True)
    diagnosis = diagnosed(
        outcome, relay, envelope, given, settings, net=net, ends_at=ends_at
    )
    if as_json:
        click.echo(document(outcome, written.message_id, diagnosis))
    else:
        watching.ended(outcome, relay, diagnosis)
    return 0 if outcome.status in (Status.SENT, Status.STOPPED) else 1

"""The mail of a try: its bytes and its addresses, as typed."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import click

from portal.cli.files import text_file
from portal.cli.trying_given import Given
from portal.delivery.types import Relay, Stage
from portal.mail import typed
from portal.mail.live_test import test_words
from portal.mail.types import Envelope

_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def mail_of(given: Given, relay: Relay) -> tuple[typed.Written, Envelope]:
    """Without --to it goes to --from. Raises UsageError, Invalid and UnsafeMail."""
    user = relay.username if "@" in (relay.username or "") else None
    from_ = given.from_ or given.mail_from or user or ""
    to = given.to or ((_mailbox(from_),) if from_ else ())
    if not to and _reaches(given, Stage.RCPT_TO):
        raise click.UsageError("Give --from and --to: who it is from and for.")
    path = given.mail_from if given.mail_from is not None else _mailbox(from_)
    for option, value in (("--mail-from", path), *(("--to", each) for each in to)):
        refuse_controls(option, value)
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


def refuse_controls(option: str, value: str) -> None:
    if _CONTROLS.search(value):
        raise click.UsageError(f"{option} may not hold control characters.")


def _mailbox(typed_from: str) -> str:
    """What stands between the angle brackets, if there are any."""
    found = re.fullmatch(r"[^<>]*<([^<>]*)>", typed_from.strip())
    return found[1] if found else typed_from


def _reaches(given: Given, stage: Stage) -> bool:
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

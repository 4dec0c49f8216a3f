"""A try as it is told: a line a stage while it runs, or one JSON document."""

from __future__ import annotations

import json
import shutil
import textwrap
from typing import Any

import click

from portal.cli.trying_repairs import told
from portal.delivery.shown import (
    presented_json,
    recipient_json,
    step_json,
    tls_json,
)
from portal.delivery.types import (
    Outcome,
    Presented,
    Relay,
    Stage,
    Status,
    Step,
    StepStatus,
)
from portal.diagnosis.types import Diagnosis
from portal.diagnosis.words import diagnosis_json

# What nobody can learn without sending.
LATER = "Some relays refuse a sender or a recipient only after DATA."
_MARKS = {StepStatus.OK: "ok", StepStatus.FAILED: "FAILED", StepStatus.SKIPPED: "-"}


def document(outcome: Outcome, message_id: str, diagnosis: Diagnosis | None) -> str:
    """The answer of `portal try --json`. `presented` is there where the relay showed
    certificates that nobody vouched for."""
    found: dict[str, Any] = {
        "outcome": outcome.status.value,
        "stage": outcome.stage.value if outcome.stage else None,
        "steps": [step_json(each) for each in outcome.steps],
        "tls": tls_json(outcome.facts.tls),
        "ehlo": list(outcome.facts.ehlo),
        "message_id": message_id,
        "recipients": [recipient_json(each) for each in outcome.recipients],
        "diagnosis": diagnosis_json(diagnosis) if diagnosis else None,
    }
    if outcome.facts.presented:
        found["presented"] = [presented_json(each) for each in outcome.facts.presented]
    return json.dumps(found, indent=2)


class Watching:
    """Tells each stage when it has ended, unless it is `silent`."""

    def __init__(self, *, silent: bool) -> None:
        self._silent = silent

    def on_step(self, step: Step) -> None:
        if not self._silent and step.status in _MARKS:
            click.echo(_line(step))

    def ended(
        self, outcome: Outcome, relay: Relay, diagnosis: Diagnosis | None
    ) -> None:
        for step in outcome.steps:
            if step.status is StepStatus.SKIPPED:
                click.echo(_line(step))
        click.echo("")
        if outcome.status in (Status.PARTIAL, Status.FAILED):
            for each in outcome.recipients:
                if each.reply:
                    click.echo(f"{each.status.value:9} {each.address}  {each.reply}")
        click.echo(_sentence(outcome, relay))
        if diagnosis is not None:
            _tell(diagnosis)
        _show(outcome.facts.presented)


def _line(step: Step) -> str:
    time = f"{step.ms} ms" if step.status is not StepStatus.SKIPPED else ""
    said = step.said.replace("\n", f"\n{'':30}")
    return f"{_MARKS[step.status]:7} {step.stage.value:10} {time:>9}  {said}".rstrip()


def _sentence(outcome: Outcome, relay: Relay) -> str:
    sent = [each.address for each in outcome.recipients if each.status == "sent"]
    if outcome.status in (Status.SENT, Status.PARTIAL):
        return f"Accepted by {relay.host} for {', '.join(sent)}."
    if outcome.status is Status.STOPPED:
        words = f"Stopped after {outcome.stage}, as asked. Nothing was sent."
        return f"{words} {LATER}" if outcome.stage is Stage.RCPT_TO else words
    if outcome.status is Status.UNCERTAIN:
        return (
            f"{relay.host} has not confirmed: the whole mail went out, then no answer"
            " came."
        )
    return f"Not sent: it ended at {outcome.stage}."


def _tell(diagnosis: Diagnosis) -> None:
    width = min(shutil.get_terminal_size().columns, 88)
    click.echo(f"\n{diagnosis.title}")
    for words in (diagnosis.meaning, diagnosis.remedy):
        click.echo(textwrap.fill(words, width))
    for line in told(diagnosis.repairs, width):
        click.echo(line)
    if diagnosis.docs:
        click.echo(f"More: {diagnosis.docs}")


def _show(presented: tuple[Presented, ...]) -> None:
    """What to compare with the relay's administrator before trusting it."""
    if not presented:
        return
    click.echo("\nThe relay showed, and nobody vouched for:")
    for each in presented:
        click.echo(f"  {each.subject}")
        click.echo(f"    issued by {each.issuer}")
        click.echo(f"    valid {each.not_before:%Y-%m-%d} to {each.not_after:%Y-%m-%d}")
        click.echo(f"    SHA-256 {each.fingerprint}")
    click.echo("With its authority in --ca-file it is trusted; --json has it as PEM.")

"""`portal explain` and `portal providers`: what we know, without a database."""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from portal.delivery.types import Auth, Security, Stage
from portal.diagnosis.explain import explain as explained
from portal.diagnosis.pasted import Pasted
from portal.diagnosis.pasted import read as read_pasted
from portal.diagnosis.types import Diagnosis, Evidence
from portal.diagnosis.words import diagnosis_json
from portal.providers.catalogue import Catalogue
from portal.providers.types import Group, Provider
from portal.services import knowledge

_WORDS = ("text", "stage", "enhanced", "exception", "host", "security", "auth")
_NUMBERS = ("code", "port")
_LONGEST = 1_000_000
_TAKEN_APART = ("stage", "code", "enhanced", "exception")  # then it is just the words
_GROUPS = {
    Group.ORGANISATION: "Your organisation’s mail",
    Group.SERVICES: "Sending services",
    Group.OTHER: "Something else",
}


@click.command()
@click.option("--stage", type=click.Choice([each.value for each in Stage]))
@click.option("--code", type=click.IntRange(100, 999), help="The reply code: 550.")
@click.option("--enhanced", metavar="E", help="The enhanced status code: 5.7.1.")
@click.option("--exception", metavar="NAME", help="The class a client raised.")
@click.option(
    "--host", metavar="H", help="The relay; its provider sharpens the answer."
)
@click.option("--port", type=click.IntRange(1, 65535))
@click.option("--security", type=click.Choice([each.value for each in Security]))
@click.option("--auth", type=click.Choice([each.value for each in Auth]))
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.option("--jsonl", is_flag=True, help="One object a line from standard input.")
@click.argument("text", nargs=-1)
def explain(
    text: tuple[str, ...], as_json: bool, jsonl: bool, **given: str | int | None
) -> None:
    """Say what a mail server's reply or an error means, and what to do.

    TEXT is what was pasted: a reply, an error, log lines or a whole bounce; “-” reads
    it from standard input. With --jsonl each line of standard input
    is an object with the keys text, stage, code, enhanced, exception, host, port,
    security and auth; each answer is one line.
    """
    catalogue = _catalogue()
    if jsonl:
        if text or any(value is not None for value in given.values()):
            raise click.UsageError("--jsonl reads everything from standard input.")
        for evidence in _lines():
            click.echo(json.dumps(diagnosis_json(_explained(evidence, catalogue))))
        return
    if not text:
        raise click.UsageError("Give the words to explain, or --jsonl.")
    pasted = [*_pasted(text, given)]
    if as_json:
        first = _explained(pasted[0].evidence, catalogue)
        click.echo(json.dumps(diagnosis_json(first), indent=2))
        return
    for number, each in enumerate(pasted):
        if number:
            click.echo("")
        if len(pasted) > 1:
            click.echo(f"{each.recipient or 'Without a recipient'}:")
        click.echo("\n".join(_shown(_explained(each.evidence, catalogue))))


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def providers(as_json: bool) -> None:
    """List the providers we know, with the operator's own."""
    everything = _catalogue().all()
    if as_json:
        rows = [asdict(each) | {"regions": each.regions} for each in everything]
        click.echo(json.dumps(rows, indent=2))
        return
    width = max(len(each.id) for each in everything)
    for group, heading in _GROUPS.items():
        click.echo(heading)
        for each in everything:
            if each.group is group:
                click.echo(f"  {each.id:{width}}  {_line(each)}")


def _catalogue() -> Catalogue:
    instance = Path(os.environ.get("PORTAL_INSTANCE") or "instance")
    return Catalogue.load(instance / "providers", partial(click.echo, err=True))


def _explained(evidence: Evidence, catalogue: Catalogue) -> Diagnosis:
    provider = catalogue.by_host(evidence.host) if evidence.host else None
    hints = knowledge.hints(catalogue, provider.id) if provider else None
    return explained(evidence, hints)


def _pasted(text: tuple[str, ...], given: dict[str, Any]) -> Iterator[Pasted]:
    """What was given beside the words holds for all of them, and wins."""
    words = _standard_input() if text == ("-",) else " ".join(text)
    if any(given[name] is not None for name in _TAKEN_APART):
        yield Pasted(evidence=_evidence({"text": words, **given}))
        return
    known = {name: value for name, value in given.items() if value is not None}
    for each in read_pasted(words):
        yield replace(each, evidence=replace(each.evidence, **known))


def _standard_input() -> str:
    return sys.stdin.buffer.read(_LONGEST).decode("utf-8", "replace")


def _lines() -> Iterator[Evidence]:
    for number, line in enumerate(sys.stdin.buffer, start=1):
        if not line.strip():
            continue
        try:
            yield _evidence(json.loads(line))
        except (ValueError, RecursionError) as error:
            raise click.UsageError(f"Line {number}: {_why(error)}") from error


def _evidence(given: object) -> Evidence:
    """Keys may be null, unknown ones are ignored. Raises ValueError."""
    if not isinstance(given, dict):
        raise ValueError("This is not a JSON object.")
    values: dict[str, Any] = {"text": ""}
    for name in _WORDS:
        if given.get(name) is not None:
            if not isinstance(given[name], str):
                raise ValueError(f"“{name}” is text or null.")
            values[name] = given[name]
    for name in _NUMBERS:
        if given.get(name) is not None:
            values[name] = _number(name, given[name])
    return Evidence(**values)


def _number(name: str, value: object) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:9])
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"“{name}” is a number or null.")
    return value


def _why(error: Exception) -> str:
    if isinstance(error, (json.JSONDecodeError, UnicodeDecodeError, RecursionError)):
        return "This is not a JSON object."
    return str(error)


def _shown(diagnosis: Diagnosis) -> Iterator[str]:
    width = min(shutil.get_terminal_size().columns, 88)
    lasts = "for a time" if diagnosis.temporary else "until something is changed"
    yield diagnosis.title
    yield f"{diagnosis.cause}, {_certainty(diagnosis.confidence)}; it holds {lasts}"
    yield ""
    for words in (diagnosis.meaning, diagnosis.remedy):
        yield from textwrap.wrap(words, width)
        yield ""
    for repair in diagnosis.repairs:
        values = ", ".join(
            f"{name} = {value or 'empty'}" for name, value in repair.set.items()
        )
        yield f"A setting repairs it: {values}"
    if diagnosis.alternatives:
        yield f"Less likely: {', '.join(diagnosis.alternatives)}"
    read = [diagnosis.evidence[name] for name in ("stage", "code", "enhanced")]
    found = ", ".join(str(each) for each in read if each is not None)
    yield f"Read from: {found + ', ' if found else ''}the words"
    if diagnosis.docs:
        yield f"More: {diagnosis.docs}"


def _certainty(confidence: float) -> str:
    words = "sure" if confidence >= 0.9 else "likely" if confidence >= 0.6 else "unsure"
    return f"{words} ({confidence:g})"


def _line(provider: Provider) -> str:
    return f"{provider.name}: {provider.card_line}"

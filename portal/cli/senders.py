"""`portal sender`: senders from files, for deployments and for moving house."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from portal.cli.files import secret_file
from portal.cli.opening import answer, opened, warn
from portal.errors import CannotStart, Fault, Invalid
from portal.services import senders, tenants
from portal.services.senders.fields import SECRETS

_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")

_APART = (*SECRETS, "ca")  # what is better kept in a file of its own


@click.group()
def sender() -> None:
    """Apply and export senders."""


@sender.command("apply")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--tenant", "slug", required=True, metavar="SLUG")
@click.option("--activate", is_flag=True, help="Let it carry the mail from now on.")
@_json
def apply(file: Path, slug: str, activate: bool, as_json: bool) -> None:
    """Make or change the sender that FILE describes in JSON.

    It is found by its name within the tenant. A secret field X, and ca, may be
    given as X_file, a path beside FILE, or X_env, a variable of the environment.
    """
    values = with_secrets(_object(file), file.parent, os.environ)
    with opened() as shell:
        here = tenants.enter(shell, slug)
        try:
            saved = senders.apply(here, values, use=activate)
        except Invalid as invalid:
            raise _every_field(file, invalid) from None
        for each in saved.notes:
            warn(f"{each.field}: {each.detail}")
        if saved.warning:
            warn(saved.warning)
        state = "active" if saved.active else "not active"
        answer(
            as_json,
            {"id": saved.id, "version": saved.version, "active": saved.active},
            f"{saved.id} version {saved.version}, {state}.",
        )


@sender.command("export")
@click.argument("sender_id", metavar="ID")
@click.option("--json", "_as_json", is_flag=True, help="As ever: it is JSON.")
def export(sender_id: str, _as_json: bool) -> None:
    """Print the sender ID as JSON that apply reads; secrets are left out."""
    with opened() as shell:
        here = shell.within(senders.tenant_of(shell, sender_id))
        click.echo(json.dumps(senders.export(here, sender_id), indent=2))


def with_secrets(
    values: Mapping[str, Any], folder: Path, environ: Mapping[str, str]
) -> dict[str, Any]:
    """The fields with each X_file and X_env in the place of its X."""
    found = dict(values)
    for name in _APART:
        given = [
            each for each in (name, f"{name}_file", f"{name}_env") if each in found
        ]
        if len(given) > 1:
            raise CannotStart(f"Give either {' or '.join(given)}, not both.")
        file, variable = found.pop(f"{name}_file", None), found.pop(f"{name}_env", None)
        if file is not None:
            found[name] = secret_file(folder / _text(f"{name}_file", file))
        if variable is not None:
            found[name] = _of_environment(f"{name}_env", variable, environ)
    return found


def _object(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(secret_file(file))
    except (ValueError, RecursionError):
        raise CannotStart(f"{file} is not JSON.") from None
    if not isinstance(found, dict):
        raise CannotStart(f"{file} holds no object with the fields of a sender.")
    return found


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise CannotStart(f"{name} is a text that is not empty.")
    return value


def _of_environment(name: str, value: Any, environ: Mapping[str, str]) -> str:
    variable = _text(name, value)
    if variable not in environ:
        raise CannotStart(f"{name} names {variable}, which is not set.")
    return environ[variable]


def _every_field(file: Path, invalid: Invalid) -> Fault:
    lines = (f"{each.field}: {each.detail}" for each in invalid.errors)
    return Fault(f"{file} is not applied. " + " ".join(lines))

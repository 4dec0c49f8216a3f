"""`portal sender`: senders from files, for deployments and for moving house."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from portal.cli.files import file_bytes, secret_file
from portal.cli.opening import answer, opened, warn
from portal.errors import CannotStart, Fault, Invalid
from portal.services import senders, tenants
from portal.services.senders.fields import SECRETS

_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")

# What is better kept in a file of its own.
_APART = (*SECRETS, "ca", "client_cert", "client_passphrase")
# Files that may be DER or PKCS#12, and what the sender's fields call their bytes.
_BINARY = {"client_cert": "client_cert_file", "client_key": "client_key_file"}


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

    It is found by its name within the tenant. A secret field X, ca and client_cert
    may be given as X_file, a path beside FILE, or X_env, a variable of the
    environment; those inside of oauth too.
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
    """The fields with each X_file and X_env in the place of its X, those inside of
    a field (`oauth.client_secret`) too."""
    found = dict(values)
    for name in _APART:
        outer, _, inner = name.partition(".")
        if not inner:
            _fill(found, outer, "", folder, environ)
        elif isinstance(found.get(outer), dict):
            found[outer] = dict(found[outer])
            _fill(found[outer], inner, f"{outer}.", folder, environ)
    return found


def _fill(
    part: dict[str, Any],
    name: str,
    within: str,
    folder: Path,
    environ: Mapping[str, str],
) -> None:
    given = [each for each in (name, f"{name}_file", f"{name}_env") if each in part]
    if len(given) > 1:
        both = " or ".join(f"{within}{each}" for each in given)
        raise CannotStart(f"Give either {both}, not both.")
    file, variable = part.pop(f"{name}_file", None), part.pop(f"{name}_env", None)
    if file is not None:
        path = folder / _text(f"{within}{name}_file", file)
        if name in _BINARY:
            part[_BINARY[name]] = file_bytes(path)
        else:
            part[name] = secret_file(path)
    if variable is not None:
        part[name] = _of_environment(f"{within}{name}_env", variable, environ)


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

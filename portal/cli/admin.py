"""`portal setup`, `tenant`, `user` and `key`: the operator's shell."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from portal.cli.files import secret_file
from portal.cli.opening import answer, opened
from portal.services import accounts, keys, people, tenants
from portal.services.actor import Role

_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
_tenant = click.option("--tenant", "slug", required=True, metavar="SLUG")
_password = click.option(
    "--password-file",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="Holds the password; - is standard input.",
)


@click.command()
@click.option("--email", required=True)
@click.option("--name", help="What pages call you; default: from the address.")
@_password
@click.option("--tenant", "tenant_name", required=True, metavar="NAME")
@_json
def setup(
    email: str, name: str | None, password_file: Path, tenant_name: str, as_json: bool
) -> None:
    """Create the first account and the first tenant, without a browser."""
    with opened() as shell:
        owner = accounts.set_up(
            shell.installation,
            token=None,
            name=name or _name_of(email),
            email=email,
            password=secret_file(password_file),
            tenant_name=tenant_name,
        )
        who = owner.person.email if owner.person else email
        answer(
            as_json,
            {"user": who, "tenant": owner.here.slug},
            f"{who} owns the tenant {owner.here.slug}.",
        )


@click.group()
def tenant() -> None:
    """Add and list tenants."""


@tenant.command("add")
@click.argument("name")
@click.option("--quota", type=int, metavar="N", help="Recipients a month.")
@_json
def tenant_add(name: str, quota: int | None, as_json: bool) -> None:
    """Add the tenant NAME; operators become its owners."""
    with opened() as shell:
        ref = tenants.add(shell, name=name, quota=quota)
        answer(as_json, {"id": ref.public_id, "slug": ref.slug}, ref.slug)


@tenant.command("list")
@_json
def tenant_list(as_json: bool) -> None:
    """List tenants with what they sent this month."""
    with opened() as shell:
        rows = [
            {
                "id": view.ref.public_id,
                "slug": view.ref.slug,
                "name": view.ref.name,
                "quota": view.quota,
                "used": view.used,
            }
            for view in tenants.every(shell)
        ]
        answer(as_json, {"tenants": rows}, *_table(rows, "slug", "name", "used"))


@click.group()
def user() -> None:
    """Add, list and disable people."""


@user.command("add")
@click.option("--email", required=True)
@click.option("--name", help="What pages call them; default: from the address.")
@_password
@_tenant
@click.option(
    "--role", type=click.Choice([str(role) for role in Role]), default=str(Role.ADMIN)
)
@click.option("--operator", is_flag=True, help="May add tenants and see Platform.")
@_json
def user_add(
    email: str,
    name: str | None,
    password_file: Path,
    slug: str,
    role: str,
    operator: bool,
    as_json: bool,
) -> None:
    """Add a person to a tenant."""
    with opened() as shell:
        here = tenants.enter(shell, slug)
        view = people.add(
            here,
            email=email,
            name=name or _name_of(email),
            role=role,
            password=secret_file(password_file),
        )
        if operator:
            people.make_operator(shell, view.email)
        document = {"id": view.id, "email": view.email, "role": str(view.role)}
        answer(as_json, document, f"{view.email} is {view.role} of {slug}.")


@user.command("list")
@_json
def user_list(as_json: bool) -> None:
    """List people, their roles, and whether they are disabled."""
    with opened() as shell:
        rows = [
            {
                "id": each.id,
                "email": each.email,
                "name": each.name,
                "operator": each.is_operator,
                "disabled_at": _time(each.disabled_at),
                "tenants": {slug: str(role) for slug, role in each.tenants},
            }
            for each in people.every(shell)
        ]
        answer(as_json, {"users": rows}, *_table(rows, "email", "name", "tenants"))


@user.command("disable")
@click.argument("email")
@_json
def user_disable(email: str, as_json: bool) -> None:
    """Shut the account EMAIL and sign it out everywhere."""
    with opened() as shell:
        people.disable(shell, email)
        answer(as_json, {"user": email, "disabled": True}, f"{email} is disabled.")


@click.group()
def key() -> None:
    """Make, list and revoke API keys."""


@key.command("add")
@_tenant
@click.option("--name", default="command line", metavar="NAME")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(keys.SCOPES),
    multiple=True,
    help="May be repeated; default: all of them.",
)
@click.option(
    "--from-domain",
    "from_domains",
    multiple=True,
    metavar="DOMAIN",
    help="It may write From with these domains alone.",
)
@click.option(
    "--to-domain",
    "to_domains",
    multiple=True,
    metavar="DOMAIN",
    help="It may send to these domains alone.",
)
@_json
def key_add(
    slug: str,
    name: str,
    scopes: tuple[str, ...],
    from_domains: tuple[str, ...],
    to_domains: tuple[str, ...],
    as_json: bool,
) -> None:
    """Make an API key and print it, this once."""
    with opened() as shell:
        made = keys.make(
            tenants.enter(shell, slug),
            name=name,
            scopes=scopes or keys.SCOPES,
            from_domains=from_domains,
            to_domains=to_domains,
        )
        answer(as_json, {"id": made.id, "name": made.name, "key": made.key}, made.key)


@key.command("list")
@click.option("--tenant", "slug", metavar="SLUG", help="Default: every tenant.")
@_json
def key_list(slug: str | None, as_json: bool) -> None:
    """List keys; none of them can be read again."""
    with opened() as shell:
        slugs = [slug] if slug else [view.ref.slug for view in tenants.every(shell)]
        rows = [
            {
                "id": each.id,
                "tenant": here,
                "name": each.name,
                "prefix": each.prefix,
                "scopes": list(each.scopes),
                "from_domains": list(each.from_domains),
                "to_domains": list(each.to_domains),
                "created_at": _time(each.created_at),
                "used_at": _time(each.used_at),
                "revoked_at": _time(each.revoked_at),
            }
            for here in slugs
            for each in keys.keys(tenants.enter(shell, here))
        ]
        shown = _table(rows, "id", "tenant", "prefix", "name", "used_at", "revoked_at")
        answer(as_json, {"keys": rows}, *shown)


@key.command("revoke")
@click.argument("key_id", metavar="ID")
@click.option("--tenant", "slug", metavar="SLUG", help="Default: the key's own.")
@_json
def key_revoke(key_id: str, slug: str | None, as_json: bool) -> None:
    """Revoke the key ID, at once and for good."""
    with opened() as shell:
        ref = tenants.by_slug(slug) if slug else keys.tenant_of(shell, key_id)
        keys.revoke(shell.within(ref), key_id)
        answer(as_json, {"id": key_id, "revoked": True}, f"{key_id} is revoked.")


def _name_of(email: str) -> str:
    """`kim.lee@example.org` → `Kim Lee`."""
    words = email.partition("@")[0].replace(".", " ").replace("_", " ")
    return words.title() or email


def _time(at: datetime | None) -> str | None:
    return at.isoformat().replace("+00:00", "Z") if at else None


def _table(rows: list[dict[str, Any]], *columns: str) -> list[str]:
    """Columns of text, as wide as their widest cell."""
    cells = [[_cell(row[column]) for column in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(map(str.ljust, line, widths)).rstrip() for line in cells]


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} ({item})" for key, item in value.items())
    return "–" if value is None else str(value)

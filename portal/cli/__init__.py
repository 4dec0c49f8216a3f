"""The command `portal`: a group that imports a command's module when it is asked for."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any

import click

from portal import __version__
from portal.errors import Fault


@dataclass(frozen=True, slots=True)
class _Entry:
    """Where a command lives, and the line `portal --help` says of it."""

    where: str  # module:attribute
    help: str


_COMMANDS = {
    "serve": _Entry("portal.cli.serve:serve", "Start the web server and the engine."),
    "worker": _Entry("portal.cli.worker:worker", "Start an engine without the web."),
    "setup": _Entry("portal.cli.admin:setup", "Create the first account and tenant."),
    "tenant": _Entry("portal.cli.admin:tenant", "Add and list tenants."),
    "user": _Entry("portal.cli.admin:user", "Add, list and disable people."),
    "key": _Entry("portal.cli.admin:key", "Make, list and revoke API keys."),
    "sender": _Entry("portal.cli.senders:sender", "Apply and export senders."),
    "try": _Entry("portal.cli.trying:try_", "Send one mail now and watch the relay."),
    "explain": _Entry(
        "portal.cli.explaining:explain", "Say what a relay's reply means."
    ),
    "find": _Entry(
        "portal.cli.finding:find_", "Find the relay of an address or a host."
    ),
    "dns": _Entry("portal.cli.dns:dns", "Say whether the DNS lets mail through."),
    "providers": _Entry(
        "portal.cli.explaining:providers", "List the providers we know."
    ),
}


class _Commands(click.Group):
    """Imports lazily, and says every error in one sentence with exit status 2."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        entry = _COMMANDS.get(name)
        if entry is None:
            return None
        module, attribute = entry.where.split(":")
        command = getattr(_imported(module), attribute)
        assert isinstance(command, click.Command)  # noqa: S101, a fault of ours
        return command

    def format_commands(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, entry.help) for name, entry in _COMMANDS.items()]
            )

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        try:
            value = super().main(
                args, prog_name, complete_var, standalone_mode=False, **extra
            )
        except click.exceptions.NoArgsIsHelpError as error:
            _leave(error.format_message(), 2)
        except click.ClickException as error:
            words = " ".join(error.format_message().split())
            _leave(f"portal: {words}", error.exit_code)
        except Fault as fault:
            _leave(f"portal: {fault.sentence}", 2)
        except click.Abort:
            _leave("portal: interrupted", 130)
        if not standalone_mode:
            return value
        sys.exit(value if isinstance(value, int) else 0)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="portal")
def main() -> None:
    """SMTP Portal: your product's e-mail over your own SMTP provider."""


def _imported(module: str) -> ModuleType:
    """What is imported is no garbage: it is not looked through meanwhile, nor ever."""
    gc.disable()
    try:
        return import_module(module)
    finally:
        gc.freeze()
        gc.enable()


def _leave(words: str, status: int) -> None:
    click.echo(words, err=True)
    sys.exit(status)

"""Records of the DNS, asked of name servers; whatever they answer is a value.

Asked are absolute names only, with EDNS and room for 1,232 octets; a truncated answer
is asked for again over TCP (RFC 7766). No answer is kept for another question.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from portal.address import is_address
from portal.net.answers import Answered, Dns, Kind, Records

__all__ = ["Answered", "Dns", "Kind", "NameServers", "Records", "always"]


def always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class NameServers:
    """Asks `server` (ip, port), or those of the system, each once a round.

    `unchecked` asks the resolver to leave DNSSEC alone (CD, RFC 4035 §3.2.2). Who did
    not answer is asked last from then on; a copy (`dataclasses.replace`) forgets it.
    """

    server: tuple[str, int] | None = None
    timeout_s: float = 2.0
    rounds: int = 2
    unchecked: bool = False
    resolv_conf: str = "/etc/resolv.conf"
    _silent: set[tuple[str, int]] = field(default_factory=set, init=False)

    async def ask(
        self, name: str, kind: Kind, one_more: Callable[[], bool] = always
    ) -> Records:
        # Here, as dnspython takes long to import and most processes ask nothing.
        from portal.net import resolving

        own = [self.server] if self.server else None
        servers = resolving.Servers(
            addresses=own or _of_system(self.resolv_conf),
            silent=self._silent,
            timeout_s=self.timeout_s,
            rounds=self.rounds,
            unchecked=self.unchecked,
        )
        return await resolving.ask(servers, name, kind, one_more)


def _of_system(resolv_conf: str) -> list[tuple[str, int]]:
    """Those of resolv.conf(5). Its search lists are not for absolute names."""
    try:
        lines = Path(resolv_conf).read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    words = [line.split() for line in lines]
    named = [word[1] for word in words if word[:1] == ["nameserver"] and word[1:]]
    return [(each, 53) for each in named if is_address(each)] or [("127.0.0.1", 53)]

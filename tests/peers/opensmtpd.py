"""OpenSMTPD, unpacked beside the system by `unpack-opensmtpd`, on loopback ports.

6.8, as Debian 12 has it, ends every TLS handshake with an internal error: its own
engine for private keys does not fit OpenSSL 3. Hence 7.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from string import Template

from tests.peers.postfix import (
    CONFIG,
    Peer,
    Surroundings,
    free_ports,
    greets,
    process,
    readable,
    until,
)

UNPACKED = Path("/var/cache/smtp-portal-tests/opensmtpd/root")
_LISTENERS = ("starttls", "implicit", "open")


def why_not() -> str | None:
    """A sentence when it cannot be run here."""
    if not (UNPACKED / "usr/sbin/smtpd").exists():
        return "OpenSMTPD 7 is not unpacked: this Debian may have an older one only."
    done = subprocess.run(["unshare", "-m", "true"], capture_output=True, timeout=10)
    return "OpenSMTPD needs a mount namespace." if done.returncode else None


@contextlib.contextmanager
def running(folder: Path, given: Surroundings) -> Iterator[Peer]:
    """A daemon that greets; every process is gone at the end."""
    peer = Peer(
        ports=dict(zip(_LISTENERS, free_ports(len(_LISTENERS)), strict=True)),
        ca=given.ca,
        folder=folder,
        client=given.client,
        stranger=given.stranger,
    )
    _write(peer, given)
    libraries = ":".join(map(str, (UNPACKED / "usr/lib").glob("*-linux-gnu*")))
    environment = {"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": libraries}
    command = ["unshare", "-m", "bash", f"{folder}/opensmtpd.sh"]
    with process(command, environment):
        until(lambda: greets(peer.ports["open"]), folder)
        yield peer


def _write(peer: Peer, given: Surroundings) -> None:
    folder = peer.folder
    folder.chmod(0o755)
    given.certificate.chmod(0o600)
    hashed = subprocess.run(
        ["openssl", "passwd", "-6", peer.password],
        capture_output=True,
        text=True,
        check=True,
    )
    values = {
        "folder": str(folder),
        "smtpd": str(UNPACKED / "usr/sbin/smtpd"),
        "certificate": str(given.certificate),
        "next_hop": given.next_hop,
        "user": peer.user,
        "hash": hashed.stdout.strip(),
        **peer.ports,
    }
    for name in ("smtpd.conf", "opensmtpd.sh"):
        text = Template((CONFIG / name).read_text()).substitute(values)
        readable(folder / name, text)
    (folder / "smtpd.conf").chmod(0o600)
    users = {"opensmtpd": 64991, "opensmtpq": 64992}
    passwd, group = Path("/etc/passwd").read_text(), Path("/etc/group").read_text()
    for name, number in users.items():
        home = "/var/lib/opensmtpd/empty:/usr/sbin/nologin"
        passwd += f"{name}:x:{number}:{number}::{home}\n"
        group += f"{name}:x:{number}:\n"
    readable(folder / "passwd", passwd)
    readable(folder / "group", group)

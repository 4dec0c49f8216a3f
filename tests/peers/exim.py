"""Exim, unpacked beside the system by `unpack-exim`, on loopback ports of its own."""

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

UNPACKED = Path("/var/cache/smtp-portal-tests/exim/root")
_LISTENERS = ("starttls", "implicit", "open", "certified", "no_pipelining", "cram")
_USER_ID = 64990  # of nobody else: Exim drops its rights to it


def why_not() -> str | None:
    """A sentence when it cannot be run here."""
    if not (UNPACKED / "usr/sbin/exim4").exists():
        return "There is no Exim: tests/peers/unpack-exim unpacks Debian's."
    return None if os.geteuid() == 0 else "Exim is started by root only."


@contextlib.contextmanager
def running(folder: Path, given: Surroundings) -> Iterator[Peer]:
    """A daemon that greets; every process is gone at the end."""
    peer = Peer(
        ports=dict(zip(_LISTENERS, free_ports(len(_LISTENERS)), strict=True)),
        ca=given.ca,
        folder=folder,
        client=given.client,
        stranger=given.stranger,
        log_name="main.log",
    )
    environment = _write(peer, given)
    command = [str(UNPACKED / "usr/sbin/exim4"), "-C", f"{folder}/exim.conf"]
    checked = subprocess.run(
        [*command, "-bV"], env=environment, capture_output=True, text=True, timeout=20
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    with process([*command, "-bdf"], environment):
        until(lambda: greets(peer.ports["starttls"]), folder)
        yield peer


def _write(peer: Peer, given: Surroundings) -> dict[str, str]:
    folder = peer.folder
    folder.chmod(0o755)
    for file in (given.certificate, given.ca):
        file.chmod(0o644)
    os.chown(folder, _USER_ID, _USER_ID)
    values = {
        "folder": str(folder),
        "root": str(UNPACKED),
        "certificate": str(given.certificate),
        "ca": str(given.ca),
        "next_hop": given.next_hop,
        "user": peer.user,
        "password": peer.password,
        **peer.ports,
    }
    text = (CONFIG / "exim.conf").read_text()
    readable(folder / "exim.conf", Template(text).substitute(values))
    me = f"Debian-exim:x:{_USER_ID}:"
    readable(folder / "group", Path("/etc/group").read_text() + f"{me}\n")
    nobody = f"{me}{_USER_ID}::{folder}:/usr/sbin/nologin\n"
    readable(folder / "passwd", Path("/etc/passwd").read_text() + nobody)
    libraries = next((UNPACKED / "usr/lib").glob("*-linux-gnu*"))
    return {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "LD_LIBRARY_PATH": str(libraries),
        "LD_PRELOAD": str(libraries / "libnss_wrapper.so"),
        "NSS_WRAPPER_PASSWD": str(folder / "passwd"),
        "NSS_WRAPPER_GROUP": str(folder / "group"),
    }

"""The product under load: a real `portal serve` over a store made for it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trustme

from tests.serving import Serving, environment, free_port, run, start


@dataclass
class Sink:
    """The sink's process; `port` is where it listens."""

    process: subprocess.Popen[str]
    port: int
    ca: Path | None

    def ask(self, order: str) -> Any:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(order + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@contextmanager
def sinking(
    folder: Path, *, latency_ms: float, tls: bool, pipelining: bool = True
) -> Iterator[Sink]:
    words = [sys.executable, "-m", "tests.bench.sink", "--latency-ms", str(latency_ms)]
    ca = None
    if tls:
        authority, ca, chain = trustme.CA(), folder / "ca.pem", folder / "chain.pem"
        authority.cert_pem.write_to_path(ca)
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
            chain
        )
        words += ["--chain", str(chain)]
    if not pipelining:
        words.append("--no-pipelining")
    process = subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin and process.stdout
    try:
        port = json.loads(process.stdout.readline())["port"]
        yield Sink(process=process, port=port, ca=ca)
    finally:
        process.stdin.close()
        process.kill()
        process.wait()
        process.stdout.close()


@dataclass
class Installation:
    """A tenant with an active sender, a key, and the portal that serves it."""

    folder: Path
    env: dict[str, str]
    key: str
    port: int
    serving: Serving | None = None

    def start(self) -> Serving:
        self.serving = start(
            self.folder, "--no-sandbox", port=self.port, env=self.env
        ).ready()
        return self.serving


def install(
    folder: Path, sink: Sink, *, connections: int, preloaded: Mapping[str, str]
) -> Installation:
    """Set up by commands alone, as a deployment does."""
    env = environment(
        PORTAL_RELAY_ALLOW=f"127.0.0.1/32:{sink.port}",
        PORTAL_LIMITS="off",
        PORTAL_LOG_LEVEL="warning",
    )
    (folder / "password").write_text("a long enough password\n")
    run(
        *("setup", "--email", "kim@example.org", "--password-file", "password"),
        *("--tenant", "bench"),
        folder=folder,
        env=env,
    )
    sender = {
        "name": "Sink",
        "provider": "generic_smtp",
        "host": "127.0.0.1",
        "port": sink.port,
        "security": "tls" if sink.ca else "none",
        "auth": "password" if sink.ca else "none",
        "from_address": "bench@example.org",
        "pacing": {"max_connections": connections},
    }
    if sink.ca:
        sender |= {"username": "bench", "password": "bench", "ca": sink.ca.read_text()}
    (folder / "sender.json").write_text(json.dumps(sender))
    run(
        *("sender", "apply", "sender.json", "--tenant", "bench", "--activate"),
        folder=folder,
        env=env,
    )
    key = run("key", "add", "--tenant", "bench", folder=folder, env=env)["key"]
    return Installation(
        folder=folder, env=env | dict(preloaded), key=key, port=free_port()
    )


@contextmanager
def installed(
    folder: Path, sink: Sink, *, connections: int, preloaded: Mapping[str, str] = {}
) -> Iterator[Installation]:
    it = install(folder, sink, connections=connections, preloaded=preloaded)
    it.start()
    try:
        yield it
    finally:
        if it.serving:
            it.serving.stop()

"""`python -m tests.bench send|raw|crash|diagnosis|dns`: one line of figures, or `--json`."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench import crash, diagnosis, dns, raw, send
from tests.bench.installation import sinking


def main() -> int:
    asked = _arguments()
    if asked.command == "send":
        found = send.bench(asked)
        words = send.line(found)
    elif asked.command == "crash":
        found = crash.bench(asked)
        words = crash.line(found)
    elif asked.command == "diagnosis":
        found = diagnosis.bench()
        words = diagnosis.line(found)
    elif asked.command == "dns":
        found = dns.bench(asked)
        words = dns.line(found)
    else:
        found = _raw(asked)
        words = _raw_line(found)
    print(json.dumps(found) if asked.json else words)
    return 0 if found["ok"] else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("send", "raw", "crash"):
        command = commands.add_parser(name)
        command.add_argument("--latency-ms", type=float, default=0.0)
        command.add_argument("--smtp-conns", type=int, default=10)
        command.add_argument("--json", action="store_true")
    understood = commands.add_parser("diagnosis", help="how failures are understood")
    understood.add_argument("--json", action="store_true")
    looked = commands.add_parser("dns", help="how long a report on a domain takes")
    looked.add_argument("--delay-ms", type=float, action="append")
    looked.add_argument("--json", action="store_true")
    one, bare, killed = (commands.choices[name] for name in ("send", "raw", "crash"))
    for command in (one, bare):
        command.add_argument("--n", type=int, default=4000)
        command.add_argument("--tls", action="store_true")
        command.add_argument("--rounds", type=int, default=5)
    one.add_argument("--workload", choices=sorted(send.WORKLOADS))
    one.add_argument("--conns", type=int, default=20)
    one.add_argument("--batch", type=int, default=1)
    one.add_argument("--rate", type=float)
    one.add_argument("--fsync-ms", type=float, default=0.0)
    one.add_argument("--compare", action="store_true")
    bare.add_argument("--no-pipelining", action="store_true")
    killed.add_argument("--rounds", type=int, default=20)
    killed.add_argument("--conns", type=int, default=20)
    killed.add_argument("--seconds", type=float, default=2.0)
    asked = parser.parse_args()
    if asked.command == "send" and asked.workload:
        for name, value in send.WORKLOADS[asked.workload].items():
            setattr(asked, name, value)
    return asked


def _raw(asked: argparse.Namespace) -> dict[str, Any]:
    """Rounds in turn on one sink, so that both see the same machine."""
    rounds = []
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as name,
        sinking(
            Path(name),
            latency_ms=asked.latency_ms,
            tls=asked.tls,
            pipelining=not asked.no_pipelining,
        ) as sink,
    ):
        ways = (raw.by_library, raw.by_session)
        for _ in range(asked.rounds):
            figures = []
            for way in ways:
                work = way(sink.port, asked.n, asked.smtp_conns, sink.ca)
                figures.append(asyncio.run(work))
                assert len(sink.ask("take")) == asked.n
            rounds.append(figures)
    ratios = [ours / library for library, ours in rounds]
    return {
        "ok": True,
        "library_per_s": median(library for library, _ in rounds),
        "session_per_s": median(ours for _, ours in rounds),
        "ratio": {"median": median(ratios), "range": [min(ratios), max(ratios)]},
    }


def _raw_line(found: dict[str, Any]) -> str:
    low, high = found["ratio"]["range"]
    return (
        f"aiosmtplib {found['library_per_s']:,.0f}/s | delivery"
        f" {found['session_per_s']:,.0f}/s | ratio"
        f" {found['ratio']['median']:.2f} ({low:.2f} to {high:.2f})"
    )


if __name__ == "__main__":
    sys.exit(main())

"""The path: POST /send to the relay's 250, with what it cost."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench import machine, raw
from tests.bench.installation import Installation, Sink, installed, sinking
from tests.bench.load import Answers, load

WARM = 200
SETTLE_S = 120.0
# PERFORMANCE workloads: how the options differ from the defaults.
WORKLOADS: dict[str, dict[str, Any]] = {
    "A": {},
    "B": {"batch": 100, "conns": 4},
    "C": {"latency_ms": 20.0, "conns": 20},
    "D": {"rate": 500.0, "conns": 50},
    "E": {"rate": 200.0, "conns": 50, "fsync_ms": 4.0},
}


def bench(asked: argparse.Namespace) -> dict[str, Any]:
    """One run, or interleaved rounds of it and of the bare library."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        fsyncs = machine.Fsyncs(folder, asked.fsync_ms)
        with (
            sinking(folder, latency_ms=asked.latency_ms, tls=asked.tls) as sink,
            installed(
                folder,
                sink,
                connections=asked.smtp_conns,
                preloaded=fsyncs.environment,
            ) as portal,
        ):
            _run(portal, sink, asked, WARM, fsyncs)
            rounds = [
                _round(portal, sink, asked, fsyncs) for _ in range(_rounds(asked))
            ]
    return _summary(rounds, asked)


def _rounds(asked: argparse.Namespace) -> int:
    return asked.rounds if asked.compare else 1


def _round(
    portal: Installation, sink: Sink, asked: argparse.Namespace, fsyncs: machine.Fsyncs
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if asked.compare:
        found["library_per_s"] = asyncio.run(
            raw.by_library(sink.port, asked.n, asked.smtp_conns, sink.ca)
        )
        sink.ask("take")
    return found | _run(portal, sink, asked, asked.n, fsyncs)


def _run(
    portal: Installation,
    sink: Sink,
    asked: argparse.Namespace,
    mails: int,
    fsyncs: machine.Fsyncs,
) -> dict[str, Any]:
    assert portal.serving
    pid = portal.serving.process.pid
    cpu, synced = machine.cpu_s(pid), fsyncs.count()
    answers = asyncio.run(
        load(
            portal.port,
            portal.key,
            mails=mails,
            clients=asked.conns,
            batch=asked.batch,
            rate=asked.rate,
        )
    )
    arrived = _arrivals(sink, answers.accepted)
    spent, after = machine.cpu_s(pid) - cpu, fsyncs.count()
    found = _figures(answers, arrived) | {
        "cpu_us": spent / max(answers.accepted, 1) * 1e6,
        "rss_mib": machine.rss_mib(pid),
    }
    if synced is not None and after is not None:
        found["fsyncs_a_mail"] = (after - synced) / max(answers.accepted, 1)
    return found


def _arrivals(sink: Sink, expected: int) -> list[tuple[str, float]]:
    """Everything that came, once as much came as was accepted, or none came for
    a while."""
    ends_at, last = time.monotonic() + SETTLE_S, -1
    quiet_since = time.monotonic()
    while time.monotonic() < ends_at:
        count = sink.ask("count")
        if count != last:
            last, quiet_since = count, time.monotonic()
        if count >= expected or time.monotonic() - quiet_since > 20:
            break
        time.sleep(0.02)
    return [(name, at) for name, at in sink.ask("take")]


def _figures(answers: Answers, arrived: list[tuple[str, float]]) -> dict[str, Any]:
    copies = Counter(name for name, _ in arrived)
    at = dict(reversed(arrived))
    lost = [name for name in answers.accepted_at if name not in copies]
    extra = sum(copies.values()) - len(copies)
    waits = [
        at[name] - then for name, then in answers.accepted_at.items() if name in at
    ]
    took = [each * 1000 for each in answers.took_s]
    last = max(at.values(), default=answers.ended)
    return {
        "ok": not (lost or extra or answers.refused),
        "accepted": answers.accepted,
        "lost": len(lost),
        "extra": extra,
        "refused": answers.refused[:3],
        "accepted_per_s": answers.accepted / (answers.ended - answers.began),
        "delivered_per_s": len(copies) / (last - answers.began),
        "accept_ms": _spread(took),
        "accept_to_250_ms": _spread([max(each, 0) * 1000 for each in waits]),
    }


def _spread(values: list[float]) -> dict[str, float]:
    return {
        "p50": machine.percentile(values, 0.5),
        "p99": machine.percentile(values, 0.99),
        "max": max(values, default=0.0),
    }


def _summary(rounds: list[dict[str, Any]], asked: argparse.Namespace) -> dict[str, Any]:
    found = dict(rounds[-1])
    for name in ("accepted_per_s", "delivered_per_s", "cpu_us"):
        found[name] = median(each[name] for each in rounds)
    found["ok"] = all(each["ok"] for each in rounds)
    if asked.compare:
        ratios = [each["delivered_per_s"] / each["library_per_s"] for each in rounds]
        found["library_per_s"] = median(each["library_per_s"] for each in rounds)
        found["ratio"] = {
            "median": median(ratios),
            "range": [min(ratios), max(ratios)],
        }
    p50, p99 = machine.fsync_ms(Path(tempfile.gettempdir()))
    found["fsync_ms"] = {"p50": p50, "p99": p99}
    found["versions"] = machine.versions()
    found["knobs"] = {
        name: getattr(asked, name)
        for name in ("n", "conns", "batch", "latency_ms", "smtp_conns", "rate", "tls")
    }
    return found


def line(found: dict[str, Any]) -> str:
    """The figures as one line for people."""
    words = [
        "OK" if found["ok"] else "BAD",
        f"accepted {found['accepted_per_s']:,.0f}/s",
        "p50 {p50:.1f} p99 {p99:.1f} max {max:.1f} ms".format(**found["accept_ms"]),
        f"delivered {found['delivered_per_s']:,.0f}/s",
        "accept->250 p50 {p50:.1f} p99 {p99:.1f} ms".format(
            **found["accept_to_250_ms"]
        ),
        f"CPU {found['cpu_us']:,.0f} us/mail",
        f"RSS {found['rss_mib']:.0f} MiB",
    ]
    if "fsyncs_a_mail" in found:
        words.append(f"fsyncs {found['fsyncs_a_mail']:.2f}/mail")
    words.append("fsync p50 {p50:.2f} p99 {p99:.2f} ms".format(**found["fsync_ms"]))
    if "ratio" in found:
        low, high = found["ratio"]["range"]
        words.append(
            f"aiosmtplib {found['library_per_s']:,.0f}/s, ratio"
            f" {found['ratio']['median']:.2f} ({low:.2f} to {high:.2f})"
        )
    if not found["ok"]:
        words.append(
            f"lost {found['lost']}, extra {found['extra']}, refused {found['refused']}"
        )
    return " | ".join(words)

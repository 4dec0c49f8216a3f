"""`kill -9` under load: what was accepted and never arrived, and what came twice."""

from __future__ import annotations

import argparse
import asyncio
import random
import sqlite3
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests.bench.installation import Installation, Sink, installed, sinking
from tests.bench.load import Answers, load


def bench(asked: argparse.Namespace) -> dict[str, Any]:
    accepted: set[str] = set()
    copies: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        with (
            sinking(folder, latency_ms=asked.latency_ms, tls=False) as sink,
            installed(folder, sink, connections=asked.smtp_conns) as portal,
        ):
            for _ in range(asked.rounds):
                accepted |= asyncio.run(_until_killed(portal, asked)).accepted_at.keys()
                portal.start()
            _settle(portal, sink)
            copies.update(name for name, _ in sink.ask("take"))
            unsettled = _uncertain(folder)
    missing = accepted - copies.keys() - unsettled
    extra = sum(copies.values()) - len(copies)
    return {
        "ok": not missing,
        "rounds": asked.rounds,
        "accepted": len(accepted),
        "lost": len(missing),
        "extra": extra,
        "uncertain": len(unsettled),
        "extra_a_kill": extra / asked.rounds,
        "connections": asked.smtp_conns,
    }


async def _until_killed(portal: Installation, asked: argparse.Namespace) -> Answers:
    answers = Answers()
    task = asyncio.create_task(
        load(portal.port, portal.key, mails=10**9, clients=asked.conns, into=answers)
    )
    await asyncio.sleep(random.uniform(0.3, asked.seconds))
    assert portal.serving
    await asyncio.to_thread(portal.serving.kill)
    await asyncio.gather(task, return_exceptions=True)
    return answers


def _settle(portal: Installation, sink: Sink, patience_s: float = 90) -> None:
    """Until nothing arrives any more."""
    last, quiet_since, ends_at = -1, time.monotonic(), time.monotonic() + patience_s
    while time.monotonic() < ends_at and time.monotonic() - quiet_since < 5:
        count = sink.ask("count")
        if count != last:
            last, quiet_since = count, time.monotonic()
        time.sleep(0.1)


def _uncertain(folder: Path) -> set[str]:
    """Message-IDs whose fate is written down as unknown, or that wait for a retry."""
    with sqlite3.connect(folder / "instance" / "portal.db") as database:
        rows = database.execute(
            "SELECT DISTINCT m.message_id FROM recipient r"
            " JOIN message m ON m.id = r.message_id"
            " WHERE r.state IN ('uncertain', 'queued', 'deferred', 'sending')"
        ).fetchall()
    return {row[0] for row in rows}


def line(found: dict[str, Any]) -> str:
    return (
        "{word} | {rounds} kills | accepted {accepted:,} | lost {lost} | extra copies"
        " {extra} ({extra_a_kill:.1f} a kill over {connections} connections) |"
        " uncertain or waiting {uncertain}"
    ).format(word="OK" if found["ok"] else "BAD", **found)

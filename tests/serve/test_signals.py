"""SIGTERM is heard, whichever thread the kernel gives it to."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

ROUNDS = 12
PROGRAM = """
import signal, threading, time
from portal.cli.signals import on_signals

over = threading.Event()
on_signals((signal.SIGTERM,), lambda number: over.set())
for _ in range(6):
    threading.Thread(target=lambda: [time.sleep(0.001) for _ in iter(int, 1)],
                     daemon=True).start()
print("up", flush=True)
over.wait()
"""


def test_who_was_stopped_and_continued_still_ends():
    """SIGTERM right behind SIGCONT: the main thread may not be awake to take it."""
    for _ in range(ROUNDS):
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout
        assert process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGSTOP)
        while " T " not in Path(f"/proc/{process.pid}/stat").read_text():
            continue
        process.send_signal(signal.SIGCONT)
        process.send_signal(signal.SIGTERM)
        try:
            assert process.wait(10) == 0
        finally:
            process.kill()
            process.wait()
            process.stdout.close()

"""`kill -9` at any moment: what was answered is there."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from portal.store import database as store
from portal.store.models import Tenant

ROUNDS = 4
THREADS = 8
# Prints a slug the moment its future is done, as a 202 would be answered.
PROGRAM = f"""
import os, pathlib, sys, threading, uuid
from portal.config import Settings
from portal.store import database
from portal.store.models import Tenant
from portal.store.writer import Writer

database_url = sys.argv[2] or None
settings = Settings(instance=pathlib.Path(sys.argv[1]), database_url=database_url)
writer = Writer(database.attach(settings))

def write():
    while True:
        slug = uuid.uuid4().hex
        writer.run(lambda: Tenant.create(slug=slug, name="x"))
        os.write(1, f"{{slug}}\\n".encode())

for _ in range({THREADS}):
    threading.Thread(target=write, daemon=True).start()
threading.Event().wait()
"""


@pytest.mark.usefixtures("both_databases")
def test_every_answered_write_survives_kill_9(settings, database):
    answered: set[str] = set()
    command = [
        sys.executable,
        "-c",
        PROGRAM,
        settings.instance,
        settings.database_url or "",
    ]

    for number in range(ROUNDS):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for _ in range(40 + 17 * number):  # never the same moment of a group
            answered.add(process.stdout.readline().strip())
        process.send_signal(signal.SIGKILL)
        whole = process.stdout.read().split("\n")[:-1]
        answered.update(line for line in whole if len(line) == 32)
        process.stdout.close()
        assert process.wait() == -signal.SIGKILL

    assert len(answered) > ROUNDS * 40
    there = {row.slug for row in Tenant.select()}
    assert answered <= there
    # Written but not answered: at most what each thread had under way.
    assert len(there) - len(answered) <= ROUNDS * THREADS
    with store.connection():
        if settings.database_url is None:
            assert database.pragma("integrity_check") == "ok"

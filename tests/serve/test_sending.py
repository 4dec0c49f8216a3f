"""From `POST /send` to the sandbox, to a relay, and through the end of a process."""

from __future__ import annotations

import json
import re
import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import postgres
from tests.serving import Serving, environment, run, serving

MAIL = {"to": "kim@example.com", "subject": "Hello", "text": "Hello Kim."}


@pytest.fixture
def key(tmp_path: Path) -> str:
    """An API key of `acme-inc`, set up from the command line."""
    (tmp_path / "password").write_text("a sentence is fine\n")
    who = ("--email", "kim@example.org", "--password-file", "password")
    env = environment()
    run("setup", *who, "--tenant", "Acme Inc", folder=tmp_path, env=env)
    made: str = run("key", "add", "--tenant", "acme-inc", folder=tmp_path, env=env)[
        "key"
    ]
    return made


def applied(folder: Path, **changes: object) -> None:
    values = {
        "name": "Relay",
        "provider": "generic_smtp",
        "host": "127.0.0.1",
        "security": "none",
        "auth": "none",
        "from_address": "app@example.org",
        **changes,
    }
    (folder / "sender.json").write_text(json.dumps(values))
    where = ("--tenant", "acme-inc", "--activate")
    run("sender", "apply", "sender.json", *where, folder=folder, env=environment())


def captured(folder: Path) -> list[tuple[str, str]]:
    """Subject and Message of each captured mail, as the database has them."""
    database = sqlite3.connect(folder / "instance" / "portal.db")
    rows = database.execute("SELECT subject, message_ref FROM capture").fetchall()
    database.close()
    return rows


def until(holds: Callable[[], bool], portal: Serving) -> None:
    ends_at = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < ends_at, "".join(portal.output)
        time.sleep(0.02)


def test_without_a_sender_the_sandbox_captures_and_the_answer_says_so(tmp_path, key):
    with serving(tmp_path) as portal:
        portal.ready()
        sent = portal.ask(
            "POST", "/send", key=key, body=MAIL, headers={"Prefer": "wait=10"}
        )

    answer = sent.json()
    assert sent.status == 200
    assert answer["captured"] is True
    assert answer["status"] == "sent"
    assert captured(tmp_path) == [("Hello", answer["id"])]


def test_it_is_the_same_on_postgresql(tmp_path, postgresql_server):
    with postgres.database(postgresql_server) as url:
        env = environment(PORTAL_DATABASE_URL=url)
        (tmp_path / "password").write_text("a sentence is fine\n")
        who = ("--email", "kim@example.org", "--password-file", "password")
        run("setup", *who, "--tenant", "Acme Inc", folder=tmp_path, env=env)
        made = run("key", "add", "--tenant", "acme-inc", folder=tmp_path, env=env)
        with serving(tmp_path, env=env) as portal:
            portal.ready()
            sent = portal.ask(
                "POST",
                "/send",
                key=made["key"],
                body=MAIL,
                headers={"Prefer": "wait=10"},
            )
            status = portal.stop()

    assert (sent.json()["status"], sent.json()["captured"]) == ("sent", True)
    assert status == 0


def test_a_sandbox_sender_captures_too(tmp_path, key):
    applied(tmp_path, provider="sandbox", host=None, security=None, auth=None)
    with serving(tmp_path) as portal:
        portal.ready()
        sent = portal.ask(
            "POST", "/send", key=key, body=MAIL, headers={"Prefer": "wait=10"}
        )

    assert (sent.json()["captured"], sent.json()["status"]) == (True, "sent")
    assert len(captured(tmp_path)) == 1


def test_without_a_sandbox_and_a_sender_there_is_no_way_out(tmp_path, key):
    with serving(tmp_path, "--no-sandbox") as portal:
        portal.ready()
        refused = portal.ask("POST", "/send", key=key, body=MAIL)

    assert refused.status == 503


def test_who_types_the_sandboxs_own_address_meets_the_guard(tmp_path, key):
    with serving(tmp_path) as portal:
        portal.ready()
        port = listening_port(portal)
        applied(tmp_path, port=port)
        sent = portal.ask(
            "POST", "/send", key=key, body=MAIL, headers={"Prefer": "wait=3"}
        )
        assert sent.json()["captured"] is False
        assert sent.json()["status"] != "sent"

    assert captured(tmp_path) == []


def test_the_platform_default_sends_for_who_has_no_sender(tmp_path, key, sink):
    relay = sink()
    env = environment(
        PORTAL_DEFAULT_SENDER=f"smtp://127.0.0.1:{relay.port}"
        "?security=none&from=noreply@platform.example"
    )
    with serving(tmp_path, env=env) as portal:
        portal.ready()
        sent = portal.ask(
            "POST", "/send", key=key, body=MAIL, headers={"Prefer": "wait=10"}
        )

    assert (sent.json()["status"], sent.json()["captured"]) == ("sent", False)
    assert relay.mails[0].mail_from == "noreply@platform.example"


def test_the_drain_waits_for_the_answer_to_a_dot(tmp_path, key, play):
    """SIGTERM while a relay thinks about a mail: its answer is still recorded."""
    relay = play(
        """\
S: 220 slow.test ESMTP
C: EHLO *
S: 250 slow.test
C: MAIL FROM:<app@example.org>*
S: 250 OK
C: RCPT TO:<kim@example.com>
S: 250 OK
C: DATA
S: 354 go on
C: (content)
! drip 250 2.0.0 kept after all, and it takes a second to say so
! raw \\r\\n
C: QUIT
S: 221 bye
"""
    )
    applied(tmp_path, port=relay.port)
    env = environment(PORTAL_RELAY_ALLOW=f"127.0.0.1/32:{relay.port}")
    with serving(tmp_path, "--no-sandbox", env=env) as portal:
        portal.ready()
        accepted = portal.ask("POST", "/send", key=key, body=MAIL).json()["id"]
        until(lambda: bool(relay.contents), portal)
        status = portal.stop()

    assert status == 0
    assert states(tmp_path) == {accepted: "sent"}


def test_a_second_signal_ends_it_at_once(tmp_path, key, play):
    relay = play(
        """\
S: 220 mute.test ESMTP
C: EHLO *
! silence
"""
    )
    applied(tmp_path, port=relay.port)
    env = environment(PORTAL_RELAY_ALLOW=f"127.0.0.1/32:{relay.port}")
    with serving(tmp_path, "--no-sandbox", env=env) as portal:
        portal.ready()
        portal.ask("POST", "/send", key=key, body=MAIL)
        until(lambda: relay.connections > 0, portal)
        portal.process.send_signal(signal.SIGTERM)
        portal.line(re.compile("stopping"))
        begun_at = time.monotonic()
        portal.process.send_signal(signal.SIGTERM)
        status = portal.process.wait(20)

    assert status == 128 + signal.SIGTERM
    assert time.monotonic() - begun_at < 15
    assert list(states(tmp_path).values()) in (["queued"], ["sending"])


def states(folder: Path) -> dict[str, str]:
    database = sqlite3.connect(folder / "instance" / "portal.db")
    rows = database.execute("SELECT public_id, state FROM message").fetchall()
    database.close()
    return dict(rows)


def listening_port(portal: Serving) -> int:
    """The port of the sandbox: what the process listens on beside the web."""
    inodes = {
        Path(entry).readlink().name.removeprefix("socket:[").removesuffix("]")
        for entry in Path(f"/proc/{portal.process.pid}/fd").iterdir()
        if "socket:" in str(Path(entry).readlink())
    }
    web = int(portal.url.rpartition(":")[2])
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        (
            _,
            local,
            _,
            state,
            *_,
        ) = line.split()
        port = int(local.rpartition(":")[2], 16)
        if state == "0A" and line.split()[9] in inodes and port != web:
            return port
    raise AssertionError("No sandbox listens.")

"""`portal serve` and `portal worker` as an operator starts and ends them."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.serving import (
    SET_UP,
    environment,
    free_port,
    portal_command,
    run,
    serving,
    start,
)


def fails(folder: Path, *words: str, **env: str) -> str:
    """A command that cannot start: exit 2, and its one sentence."""
    done = subprocess.run(
        [*portal_command(), *words],
        cwd=folder,
        env=environment(**env),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    [sentence] = [line for line in done.stderr.splitlines() if " INFO " not in line]
    assert sentence.startswith("portal: ")
    return sentence


def answer_of(url: str) -> int:
    """The status of a page, as soon as somebody answers."""
    ends_at = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(url, timeout=20) as answer:
                return answer.status
        except urllib.error.URLError:
            assert time.monotonic() < ends_at
            time.sleep(0.02)


@pytest.fixture
def instance(tmp_path: Path, instance_template: Path) -> Path:
    """A migrated instance, in the folder that the tests start in."""
    shutil.copytree(instance_template, tmp_path / "instance")
    return tmp_path / "instance"


def set_up(folder: Path) -> None:
    (folder / "password").write_text("a sentence is fine\n")
    who = ("--email", "kim@example.org", "--password-file", "password")
    run("setup", *who, "--tenant", "Acme Inc", folder=folder, env=environment())


def test_an_empty_folder_gets_one_line_with_a_link_that_works(tmp_path):
    port = free_port()
    process = subprocess.Popen(
        [*portal_command(), "serve", "--port", str(port)],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout
    link = SET_UP.search(process.stdout.readline())
    assert link
    status = answer_of(link.group())
    process.terminate()
    rest, _ = process.communicate(timeout=40)

    assert link.group().startswith(f"http://127.0.0.1:{port}/set-up/")
    assert status == 200
    assert rest == ""
    assert process.returncode == 0
    modes = {
        path.relative_to(tmp_path).as_posix(): path.stat().st_mode & 0o777
        for path in [tmp_path / "instance", *(tmp_path / "instance").iterdir()]
    }
    assert modes.pop("instance") == 0o700
    assert {"instance/portal.db", "instance/master.key"} <= modes.keys()
    assert set(modes.values()) <= {0o600, 0o700}


def test_the_link_begins_with_the_base_url(tmp_path):
    env = environment(PORTAL_BASE_URL="https://mail.example.org")
    with serving(tmp_path, env=env) as portal:
        assert portal.line(SET_UP).startswith("https://mail.example.org/set-up/")


def test_where_there_are_people_nothing_is_printed(tmp_path):
    set_up(tmp_path)

    with serving(tmp_path) as portal:
        portal.line(re.compile("serving on"))
        status = portal.stop()

    assert status == 0
    assert not any(SET_UP.search(line) for line in portal.output)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_status_0(tmp_path, number):
    with serving(tmp_path) as portal:
        portal.line(re.compile("serving on"))
        portal.process.send_signal(number)

        assert portal.process.wait(40) == 0


def test_connections_that_browsers_keep_do_not_hinder_the_end(tmp_path):
    with serving(tmp_path) as portal, ExitStack() as open_ones:
        portal.ready()
        for _ in range(40):
            browser = http.client.HTTPConnection(
                urlsplit(portal.url).netloc, timeout=30
            )
            open_ones.callback(browser.close)
            browser.request("GET", "/healthz")
            assert browser.getresponse().read()

        assert portal.stop() == 0
    assert "panic" not in "".join(portal.output)


def test_kill_9_leaves_nothing_that_holds_the_port(tmp_path):
    port = free_port()
    first = start(tmp_path, port=port)
    first.line(re.compile("serving on"))
    first.process.kill()
    first.process.wait(10)

    again = start(tmp_path, port=port)
    try:
        assert again.line(re.compile("serving on"))
    finally:
        assert again.stop() == 0


def test_a_worker_works_without_a_port_and_ends_with_status_0(instance):
    worker = subprocess.Popen(
        [*portal_command(), "worker"],
        cwd=instance.parent,
        env=environment(PORTAL_LOG="json"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert worker.stderr
    lines = [json.loads(worker.stderr.readline())]
    worker.terminate()
    lines += map(json.loads, worker.stderr)

    assert worker.wait(40) == 0
    worker.stderr.close()
    assert [line["message"] for line in lines][-1] == "stopped"
    assert {"at", "level", "logger", "message"} <= lines[0].keys()


class TestCannotStart:
    """One sentence on standard error and exit status 2."""

    def test_with_a_port_in_use(self, tmp_path):
        with serving(tmp_path) as portal:
            portal.line(re.compile("serving on"))
            port = portal.url.rpartition(":")[2]
            other = tmp_path / "other"
            other.mkdir()

            said = fails(other, "serve", "--port", port)

        assert f"Port {port} on 127.0.0.1 is in use" in said
        assert not (other / "instance").exists()

    @pytest.mark.parametrize("command", ["serve", "worker"])
    def test_with_a_database_of_a_newer_version(self, instance, command):
        with sqlite3.connect(instance / "portal.db") as database:
            database.execute(
                "CREATE TEMP TABLE future AS SELECT * FROM schema_migration LIMIT 1"
            )
            database.execute("UPDATE future SET id = 9999, name = '9999_future'")
            database.execute("INSERT INTO schema_migration SELECT * FROM future")
        database.close()
        options = ("--port", str(free_port())) if command == "serve" else ()

        said = fails(instance.parent, command, *options)

        assert "newer version" in said

    def test_with_a_key_file_that_is_not_there(self, instance):
        said = fails(
            instance.parent,
            "serve",
            "--port",
            str(free_port()),
            PORTAL_MASTER_KEY_FILE="/nowhere/key",
        )

        assert "PORTAL_MASTER_KEY_FILE" in said

    def test_with_a_key_file_that_others_may_read(self, instance):
        (instance / "master.key").chmod(0o644)

        said = fails(instance.parent, "serve", "--port", str(free_port()))

        assert "master.key" in said

    def test_with_a_key_file_that_cannot_be_read(self, instance):
        (instance / "master.key").unlink()
        (instance / "master.key").mkdir(mode=0o700)

        said = fails(instance.parent, "serve", "--port", str(free_port()))

        assert "master.key" in said

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("PORTAL_RELAY_ALLOW", "everything"),
            ("PORTAL_LOG", "xml"),
            ("PORTAL_DEFAULT_SENDER", "smtp://u:hunter2@host"),
            ("PORTAL_DATABASE_URL", "mysql://u:hunter2@host/db"),
        ],
    )
    def test_with_a_bad_environment(self, tmp_path, name, value):
        said = fails(tmp_path, "serve", "--port", str(free_port()), **{name: value})

        assert name in said
        assert "hunter2" not in said

    def test_with_an_instance_that_is_no_folder(self, tmp_path):
        (tmp_path / "instance").write_text("a file")

        said = fails(tmp_path, "serve", "--port", str(free_port()))

        assert "instance" in said

    @pytest.mark.parametrize("port", ["-1", "65536", "http"])
    def test_with_a_port_that_is_none(self, tmp_path, port):
        done = subprocess.run(
            [*portal_command(), "serve", "--port", port],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            timeout=60,
        )

        assert done.returncode == 2


def test_no_core_is_dumped_and_no_secret_stays_in_the_environment(tmp_path):
    look = """
import json, os, resource
from portal.cli.process import harden
from portal.config import Settings
settings = Settings.load(warn=print)
harden(settings)
print(json.dumps({
    "core": resource.getrlimit(resource.RLIMIT_CORE),
    "umask": os.umask(0),
    "left": [name for name in os.environ if name.startswith("PORTAL_")],
    "read": settings.metrics_token is not None,
}))
"""
    env = environment(PORTAL_METRICS_TOKEN="hunter2", PORTAL_LOG="json")
    found = subprocess.run(
        [sys.executable, "-c", look],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(found.stdout) == {
        "core": [0, 0],
        "umask": 0o077,
        "left": ["PORTAL_LOG"],
        "read": True,
    }

"""The operator's shell: small answers, one sentence for a refusal, exit status 2."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from portal.crypto.seal import new_ring

PORTAL = Path(sys.executable).with_name("portal")


@dataclass(frozen=True)
class Done:
    status: int
    out: str
    err: str

    @property
    def json(self):
        assert self.status == 0, self.err
        return json.loads(self.out)

    def refused(self, words: str) -> None:
        assert self.status == 2, self.err
        assert self.out == ""
        assert self.err.startswith("portal: ")
        assert words in self.err
        assert self.err.count("\n") == 1


SETUP = (
    "setup",
    "--email",
    "Kim.Lee@example.org",
    "--password-file",
    "password",
    "--tenant",
    "Acme Inc",
)


def runner(folder: Path):
    """Runs `portal …` in a folder of its own."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PORTAL_")}
    (folder / "password").write_text("correct horse battery\n")

    def run(*words: str, stdin: str = "", **environment: str) -> Done:
        done = subprocess.run(
            [PORTAL, *words],
            cwd=folder,
            env=kept | environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def portal(tmp_path):
    """In an empty folder."""
    return runner(tmp_path)


@pytest.fixture(scope="module")
def acme_template(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("acme")
    assert runner(folder)(*SETUP).status == 0
    return folder / "instance"


@pytest.fixture
def acme(portal, acme_template, tmp_path):
    """An installation that is set up, a copy for each test."""
    shutil.copytree(acme_template, tmp_path / "instance")
    return portal


def test_setup_answers_who_and_where(portal):
    assert portal(*SETUP, "--json").json == {
        "user": "kim.lee@example.org",
        "tenant": "acme-inc",
    }


def test_second_setup_is_refused(acme):
    acme(*SETUP).refused("has people already")


def test_setup_refuses_what_the_page_refuses(portal):
    portal(*SETUP[:-1], " ").refused("Please give the tenant a name.")
    portal("setup", "--email", "kim", *SETUP[3:]).refused("exactly one “@”")


@pytest.mark.parametrize(
    "command",
    [
        "setup",
        "tenant add",
        "tenant list",
        "user add",
        "user list",
        "user disable",
        "key add",
        "key list",
        "key revoke",
    ],
)
def test_every_command_answers_in_json(portal, command):
    done = portal(*command.split(), "--help")

    assert done.status == 0
    assert "--json" in done.out


def test_missing_password_file_is_one_sentence(portal):
    done = portal(*SETUP[:4], "nothing", *SETUP[5:])

    done.refused("nothing cannot be read: No such file or directory.")


def test_password_comes_from_standard_input_too(portal):
    done = portal(
        *SETUP[:4], "-", *SETUP[5:], "--json", stdin="correct horse battery\n"
    )

    assert done.json["tenant"] == "acme-inc"


def test_tenant_is_added_and_listed(acme):
    added = acme("tenant", "add", "Acme Inc", "--quota", "5", "--json").json

    assert added["slug"] == "acme-inc-2"
    assert set(added) == {"id", "slug"}
    listed = acme("tenant", "list", "--json").json["tenants"]
    assert [(row["slug"], row["quota"], row["used"]) for row in listed] == [
        ("acme-inc", None, 0),
        ("acme-inc-2", 5, 0),
    ]


def test_words_are_printed_for_people(acme):
    assert acme("tenant", "add", "Client A").out == "client-a\n"
    assert "acme-inc  Acme Inc  0" in acme("tenant", "list").out
    assert "kim.lee@example.org  Kim Lee  acme-inc (owner)" in acme("user", "list").out


def test_key_is_printed_once(acme):
    made = acme("key", "add", "--tenant", "acme-inc", "--name", "ci", "--json").json

    assert set(made) == {"id", "name", "key"}
    assert made["name"] == "ci"
    assert made["key"].startswith("sp_live_")
    listed = acme("key", "list", "--tenant", "acme-inc", "--json")
    assert made["key"] not in listed.out
    [row] = listed.json["keys"]
    assert (row["id"], row["revoked_at"]) == (made["id"], None)


def test_key_alone_is_printed_for_scripts(acme):
    """`KEY=$(portal key add …)` holds the key and nothing else."""
    out = acme("key", "add", "--tenant", "acme-inc").out

    assert out.startswith("sp_live_")
    assert out.count("\n") == 1


def test_key_is_revoked(acme):
    made = acme("key", "add", "--tenant", "acme-inc", "--json").json

    assert acme("key", "revoke", made["id"], "--json").json["revoked"] is True
    [row] = acme("key", "list", "--tenant", "acme-inc", "--json").json["keys"]
    assert row["revoked_at"].endswith("Z")


def test_key_of_another_tenant_is_not_revoked(acme):
    made = acme("key", "add", "--tenant", "acme-inc", "--json").json
    assert acme("tenant", "add", "Client A").out == "client-a\n"

    acme("key", "revoke", made["id"], "--tenant", "client-a").refused("no such key")

    [row] = acme("key", "list", "--json").json["keys"]
    assert (row["tenant"], row["revoked_at"]) == ("acme-inc", None)


def test_key_that_is_not_there_is_refused(acme):
    acme("key", "revoke", "nothing").refused("There is no such key.")
    acme("key", "add", "--tenant", "nothing").refused("There is no tenant “nothing”.")


def test_person_is_added_listed_and_disabled(acme):
    added = acme(
        *("user", "add", "--email", "v@example.org", "--password-file", "password"),
        *("--tenant", "acme-inc", "--role", "viewer", "--json"),
    ).json
    assert (added["email"], added["role"]) == ("v@example.org", "viewer")

    assert acme("user", "disable", "v@example.org", "--json").json["disabled"]

    rows = {row["email"]: row for row in acme("user", "list", "--json").json["users"]}
    assert rows["v@example.org"]["disabled_at"].endswith("Z")
    assert rows["v@example.org"]["tenants"] == {"acme-inc": "viewer"}
    assert rows["kim.lee@example.org"]["operator"] is True


def test_last_operator_is_not_disabled(acme):
    acme("user", "disable", "kim.lee@example.org").refused("The last operator stays.")
    acme("user", "disable", "x@example.org").refused("no person with the address")


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"PORTAL_LOG": "xml"}, "PORTAL_LOG is “xml”"),
        ({"PORTAL_MASTER_KEY": "k1:AAAA"}, "PORTAL_MASTER_KEY has a key “k1”"),
        ({"PORTAL_MASTER_KEY_FILE": "nothing"}, "PORTAL_MASTER_KEY_FILE names"),
        ({"PORTAL_DATABASE_URL": "postgresql://x@127.0.0.1:9/y"}, "PORTAL_DATABASE_"),
        ({"PORTAL_INSTANCE": "password"}, "instance folder"),
    ],
)
def test_bad_environment_stops_with_one_sentence(portal, environment, words):
    portal("tenant", "list", **environment).refused(words)


def test_misspelt_variable_is_a_warning_and_no_more(acme):
    done = acme("tenant", "list", "--json", PORTAL_LGO="json")

    assert done.json["tenants"][0]["slug"] == "acme-inc"
    assert done.err == (
        "portal: PORTAL_LGO is not a setting; the nearest one is PORTAL_LOG.\n"
    )


def test_key_file_that_others_may_read_stops_with_one_sentence(acme, tmp_path):
    (tmp_path / "instance" / "master.key").chmod(0o644)

    acme("tenant", "list").refused("chmod 600")


def test_wrong_key_does_not_stop_the_shell(acme):
    """Locked: secrets stay shut, everything else is still there to be mended."""
    done = acme("tenant", "list", "--json", PORTAL_MASTER_KEY=new_ring())

    assert done.json["tenants"][0]["slug"] == "acme-inc"


def test_folder_of_the_installation_is_private(acme, tmp_path):
    instance = tmp_path / "instance"

    assert instance.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in instance.iterdir())

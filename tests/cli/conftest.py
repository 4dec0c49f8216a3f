"""`portal try` in an empty folder, against relays on loopback."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner

from portal.cli import main


@pytest.fixture
def files(tmp_path, authority):
    """A folder with a password, a wrong one and the CA of the relays."""
    (tmp_path / "password").write_text("open sesame\n")
    (tmp_path / "wrong").write_text("shut sesame\n")
    (tmp_path / "ca.pem").write_text(authority.pem)
    return tmp_path


@pytest.fixture
def portal_try(files, monkeypatch):
    """Runs `portal try …` on 127.0.0.1 in an empty folder."""
    monkeypatch.chdir(files)

    def run(port: int, *words: str, security: str = "none"):
        where = ["--host", "127.0.0.1", "--port", str(port), "--security", security]
        return CliRunner().invoke(main, ["try", *where, *words])

    return run


@pytest.fixture
def told(portal_try):
    """The same with --json: (exit status, document)."""

    def run(*words: object, **more: str):
        done = portal_try(*words, "--json", **more)
        return done.exit_code, json.loads(done.stdout)

    return run


@pytest.fixture
def write(files) -> Callable[..., None]:
    """`write(token="…", key=b"…")`: files of these names, with a line break behind
    a text as an editor leaves it."""

    def put(**texts: str | bytes) -> None:
        for name, text in texts.items():
            raw = text if isinstance(text, bytes) else f"{text}\n".encode()
            (files / name).write_bytes(raw)

    return put


@pytest.fixture
def server(token_server, write):
    """A token server, and the files that it takes."""
    server = token_server()
    write(
        secret=server.client_secret,
        refresh=server.refresh_token(),
        account=server.key_file(),
        access=server.access_token(),
    )
    return server


@pytest.fixture
def relay(oauth_sink, server, authority):
    starttls = authority.contexts["good"]
    return oauth_sink(tokens=server, starttls=starttls, scope="smtp.send")

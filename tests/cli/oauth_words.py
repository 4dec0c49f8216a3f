"""The words of `portal try --auth oauth2`."""

from __future__ import annotations

USER = "kim@peer.example"
FIXED = ("--from", USER, "--to", "ada@example.org", "--ca-file", "ca.pem")
STARTTLS = {"security": "starttls"}
BY_SECRET = ("--client-secret-file", "secret", "--grant", "client_credentials")
BY_REFRESH = ("--client-secret-file", "secret", "--refresh-token-file", "refresh")
BY_JWT = ("--service-account-file", "account", "--subject-user", USER)
READY = ("--username", USER, "--access-token-file", "access")


def asking(server, *words: str, user: str | None = USER) -> tuple[str, ...]:
    named = ("--username", user) if user else ()
    return (
        *FIXED,
        *named,
        *("--token-url", server.token_url, "--scope", "smtp.send"),
        *words,
    )


def client(server) -> tuple[str, ...]:
    return ("--client-id", server.client_id)


def step(found, stage: str):
    return next(each for each in found["steps"] if each["stage"] == stage)

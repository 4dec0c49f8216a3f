"""`portal try`: options that make no sense together are one sentence and exit 2."""

from __future__ import annotations

import pytest

TO = ("--from", "kim@example.org", "--to", "ada@example.org")
URL = ("--token-url", "http://127.0.0.1:1/token")
USER = ("--username", "kim@example.org")
ACCESS = ("--access-token-file", "access")
CERTIFICATE = ("--client-cert", "client.pem", "--client-key", "client.key")


@pytest.fixture
def some(write, files, authority):
    write(access="abc", secret="s", refresh="r", odd="a\nb", empty="", account="{}")
    (files / "client.pem").write_text(authority.clients["good"].certificate)
    (files / "client.key").write_text(authority.clients["good"].key)
    (files / "other.key").write_text(authority.clients["stranger"].key)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--auth", "oauth2", *USER), "needs --access-token-file, or --token-url"),
        (ACCESS, "needs --username: the mailbox"),
        (
            (*ACCESS, *USER, "--password-file", "password"),
            "oauth2 has no use for --password-file",
        ),
        (
            (*USER, *URL),
            "client_credentials needs --client-id and --client-secret-file",
        ),
        (
            (*USER, "--refresh-token-file", "refresh"),
            "refresh_token needs --token-url and --client-id",
        ),
        (
            (*USER, "--grant", "jwt_bearer", *URL),
            "jwt_bearer needs --service-account-file and --scope",
        ),
        (
            (
                *(*USER, *URL, "--client-id", "i", "--client-secret-file", "secret"),
                *("--grant", "client_credentials", "--refresh-token-file", "refresh"),
            ),
            "client_credentials has no use for --refresh-token-file",
        ),
        (
            (
                *(*USER, *URL, "--client-id", "i", "--refresh-token-file", "refresh"),
                *("--subject-user", "ada@example.org"),
            ),
            "refresh_token has no use for --subject-user",
        ),
        (
            (
                *USER,
                "--token-url",
                "ftp://x/",
                "--client-id",
                "i",
                *ACCESS,
                "--client-secret-file",
                "secret",
            ),
            "--token-url:",
        ),
        (
            (*USER, "--service-account-file", "account", "--scope", "s"),
            "--service-account-file:",
        ),
        ((*USER, "--access-token-file", "odd"), "one line of ASCII without blanks"),
        ((*USER, "--access-token-file", "empty"), "empty is empty"),
        ((*USER, "--access-token-file", "absent"), "absent cannot be read"),
        ((*USER, *ACCESS, "--mechanism", "PLAIN"), "PLAIN is not for --auth oauth2"),
        (
            (*USER, "--password-file", "password", "--mechanism", "XOAUTH2"),
            "XOAUTH2 is not for --auth password",
        ),
        (
            (*CERTIFICATE, "--mechanism", "LOGIN"),
            "LOGIN is not for --auth client_cert: EXTERNAL",
        ),
        (
            (*USER, "--password-file", "password", "--auth", "password", *ACCESS),
            "--access-token-file: only for --auth oauth2",
        ),
        (("--auth", "client_cert"), "--auth client_cert needs --client-cert"),
        (
            ("--client-key", "client.key", *USER, "--password-file", "password"),
            "--client-key: only together with --client-cert",
        ),
        (("--client-cert", "client.pem"), "--client-cert:"),
        (
            ("--client-cert", "client.pem", "--client-key", "other.key"),
            "does not match the private key",
        ),
        ((*CERTIFICATE, "--security", "none"), "needs --security starttls or tls"),
        (("--auth", "none", *CERTIFICATE), "leave out the rest"),
        (("--auth", "none", *ACCESS), "leave out the rest"),
        (
            (
                *USER,
                "--password-file",
                "-",
                *CERTIFICATE,
                "--client-passphrase-file",
                "-",
            ),
            "Only one secret can come from standard input",
        ),
    ],
)
def test_what_makes_no_sense_is_one_sentence(portal_try, some, words, sentence):
    done = portal_try(1, *TO, *words, security="starttls")

    assert done.exit_code == 2
    assert sentence in done.stderr
    assert done.stdout == ""


def test_no_secret_is_repeated_by_a_refusal(portal_try, write):
    """A key file that is broken is not quoted."""
    write(account='{"type": "service_account", "private_key": "hush hush"}')
    words = ("--service-account-file", "account", "--scope", "s")

    done = portal_try(1, *TO, *USER, *words, security="starttls")

    assert done.exit_code == 2
    assert "hush" not in done.output

"""SCRAM: signing in without sending the password (RFC 5802, RFC 7677), by scramp."""

from __future__ import annotations

from scramp import ScramClient, ScramException

MAX_ITERATIONS = 1_000_000  # a hostile relay asks for hours of hashing


class NotAsAgreed(Exception):
    """The relay's side of the exchange is wrong; the text says how."""


class Scram:
    """The client's side: `first`, `final`, `check`, in this order."""

    def __init__(
        self, mechanism: str, user: str, password: str, nonce: str | None = None
    ) -> None:
        self._client = ScramClient([mechanism], user, password, c_nonce=nonce)

    def first(self) -> str:
        """No channel binding, no other identity: `n,,n=user,r=nonce`."""
        text: str = self._client.get_client_first()
        return text

    def final(self, challenge: str) -> str:
        """Our proof. Takes long: the relay says how often to hash.

        Raises NotAsAgreed.
        """
        try:
            self._client.set_server_first(challenge)
            rounds = int(self._client.iterations)
            if rounds > MAX_ITERATIONS:
                raise NotAsAgreed(f"it asks for {rounds:,} rounds of hashing")
            text: str = self._client.get_client_final()
        except ScramException as error:
            raise NotAsAgreed(_words(error)) from error
        return text

    def check(self, answer: str) -> None:
        """The relay's proof that it knows the password too. Raises NotAsAgreed."""
        try:
            self._client.set_server_final(answer)
        except ScramException as error:
            raise NotAsAgreed(f"its own proof is wrong: {_words(error)}") from error


def _words(error: ScramException) -> str:
    """Without the library's error codes, which are for servers to send."""
    text = str(error.args[0]).rstrip(".")
    return text[:1].lower() + text[1:]

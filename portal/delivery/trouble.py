"""Exceptions on their way to become values: what went wrong, by class."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import aiosmtplib

from portal.delivery.types import FailureKind, Reply
from portal.net.types import NetFailure, NetTrouble


class Trouble(Exception):
    """Ends a conversation. It never leaves `delivery`: a Failure is made of it."""

    def __init__(
        self,
        kind: FailureKind,
        words: str,
        *,
        exception: str | None = None,
        reply: Reply | None = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(words)
        self.kind = kind
        self.words = words
        self.exception = exception
        self.reply = reply
        self.remedy = remedy

    @classmethod
    def of_reply(cls, reply: Reply) -> Trouble:
        return cls(FailureKind.REPLY, str(reply), reply=reply)

    @classmethod
    def ours(cls, words: str) -> Trouble:
        return cls(FailureKind.REFUSED_BY_US, words)

    @classmethod
    def of_net(cls, failure: NetFailure) -> Trouble:
        kinds = {
            NetTrouble.FORBIDDEN: FailureKind.FORBIDDEN,
            NetTrouble.TIMED_OUT: FailureKind.TIMEOUT,
            NetTrouble.TLS: FailureKind.TLS,
            NetTrouble.PROTOCOL: FailureKind.PROTOCOL,
        }
        return cls(
            kinds.get(failure.trouble, FailureKind.NET),
            failure.words,
            exception=failure.exception,
            remedy=failure.remedy,
        )


@contextmanager
def caught(limit_s: float) -> Iterator[None]:
    """Whatever reading and writing may raise, as Trouble."""
    try:
        yield
    except TimeoutError as error:
        raise Trouble(
            FailureKind.TIMEOUT,
            f"No answer came in {limit_s:.3g} s: timed out.",
            exception="TimeoutError",
        ) from error
    except ssl.SSLError as error:
        raise _of_tls(error) from error
    except (ConnectionError, EOFError) as error:
        raise _of_connection(error) from error
    except OSError as error:
        raise Trouble(
            FailureKind.NET, f"The connection failed: {error}.", exception=_name(error)
        ) from error
    except aiosmtplib.SMTPException as error:
        raise Trouble(
            FailureKind.PROTOCOL, f"{error}.", exception=_name(error)
        ) from error


def unforeseen(error: Exception) -> Trouble:
    """A fault of ours. Its words might quote what we sent: the class alone is told."""
    return Trouble(
        FailureKind.INTERNAL,
        "The portal itself failed; its log says where.",
        exception=_name(error),
    )


def _of_tls(error: ssl.SSLError) -> Trouble:
    return Trouble(
        FailureKind.TLS, f"TLS was not established: {error}.", exception=_name(error)
    )


def _of_connection(error: Exception) -> Trouble:
    cause = error.__cause__
    if isinstance(cause, ssl.SSLError):
        return _of_tls(cause)
    shown = cause if isinstance(cause, ConnectionError) else error
    return Trouble(
        FailureKind.CLOSED,
        f"The relay closed the connection: {shown}.",
        exception=_name(shown),
    )


def _name(error: BaseException) -> str:
    kind = type(error)
    if kind.__module__ == "builtins":
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"

"""What a service may raise. `web` and `api` each translate these in one place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field of the caller's input and a sentence about it."""

    field: str
    detail: str


class Fault(Exception):
    """Something the caller did, said in one sentence."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class Invalid(Fault):
    """Input that is refused: `errors` names each field with its sentence."""

    def __init__(self, field: str, sentence: str, *more: FieldError) -> None:
        super().__init__(sentence)
        self.errors = (FieldError(field, sentence), *more)

    @classmethod
    def many(cls, errors: list[FieldError]) -> Invalid:
        first, *rest = errors
        return cls(first.field, first.detail, *rest)


class Unauthenticated(Fault):
    """Nobody has signed in, or the key is unknown (401)."""


class Forbidden(Fault):
    """The actor is known and may not (403)."""


class Missing(Fault):
    """It does not exist, or it is somebody else's (404): the answer is the same."""


class Gone(Fault):
    """It was there and has been used up (410)."""


class Conflict(Fault):
    """An idempotency key is in use by a request that still runs (409)."""


class Mismatch(Fault):
    """An idempotency key came back with another request (422)."""


class TooLarge(Fault):
    """More bytes than are taken (413)."""


class TooMany(Fault):
    """A limit or a quota is used up (429); `errors` where one field did it."""

    def __init__(
        self, sentence: str, *, retry_after_s: int, errors: tuple[FieldError, ...] = ()
    ) -> None:
        super().__init__(sentence)
        self.retry_after_s = retry_after_s
        self.errors = errors


class Unavailable(Fault):
    """This installation cannot do it now (503)."""

    def __init__(self, sentence: str, *, retry_after_s: int = 30) -> None:
        super().__init__(sentence)
        self.retry_after_s = retry_after_s


class CannotStart(Fault):
    """The process stops with this sentence on standard error and exit status 2."""

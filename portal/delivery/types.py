"""The words of a submission: what we ask of a relay and what came of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from portal.delivery.grants import OAuth
from portal.secret import Secret


class Stage(StrEnum):
    """The stages of a conversation, in order."""

    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    BANNER = "banner"
    EHLO = "ehlo"
    STARTTLS = "starttls"
    OAUTH_TOKEN = "oauth_token"  # noqa: S105, a stage, not a secret
    AUTH = "auth"
    MAIL_FROM = "mail_from"
    RCPT_TO = "rcpt_to"
    DATA = "data"
    POST_DATA = "post_data"


class Security(StrEnum):
    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class Auth(StrEnum):
    PASSWORD = "password"  # noqa: S105, a mode, not a secret
    API_KEY = "api_key"
    OAUTH2 = "oauth2"
    CLIENT_CERT = "client_cert"
    NONE = "none"


class StepStatus(StrEnum):
    RUNNING = "running"
    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


class Phase(StrEnum):
    """Our own mark of how far the content went.

    The same exception means "nothing sent" before the dot and "nobody knows"
    after it; this mark, not the exception, tells them apart.
    """

    BEFORE_DATA = "before_data"  # up to the answer to DATA
    CONTENT = "content"  # 354 was read, the final dot is not written
    DOT = "dot"  # the final dot is written, no answer read
    ANSWERED = "answered"  # the answer to the dot was read


class Status(StrEnum):
    """The end of a submission."""

    SENT = "sent"
    PARTIAL = "partial"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    STOPPED = "stopped"


class FailureKind(StrEnum):
    """What stopped a conversation, by class rather than by words."""

    REPLY = "reply"  # the relay said no: see `reply`
    FORBIDDEN = "forbidden"  # the address guard
    NET = "net"  # look-up, connect, reset: see `exception`
    TIMEOUT = "timeout"
    CLOSED = "closed"  # the relay hung up
    TLS = "tls"  # handshake or certificate
    PROTOCOL = "protocol"  # bytes that are no reply
    REFUSED_BY_US = "refused_by_us"  # we do not go on: STARTTLS missing, AUTH in clear
    WITHDRAWN = "withdrawn"  # before_dot said no: the dot was not written
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A relay's answer, made harmless: UTF-8, no controls, <= 1,000 characters.

    `enhanced` is the RFC 3463 code such as "5.7.1" when the text begins with one;
    `text` is the reply without its three digits, lines joined by line feeds.
    """

    code: int
    text: str
    enhanced: str | None = None

    @property
    def positive(self) -> bool:
        return 200 <= self.code < 400

    @property
    def transient(self) -> bool:
        return 400 <= self.code < 500

    @property
    def permanent(self) -> bool:
        return 500 <= self.code < 600

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """One SMTP server and how to sign in to it."""

    host: str
    port: int
    security: Security
    auth: Auth
    ehlo_name: str
    mechanism: str | None = None
    username: str | None = None
    password: Secret | None = field(default=None, repr=False)
    oauth: OAuth | None = None
    access_token: Secret | None = field(default=None, repr=False)  # a ready one
    client_cert: str | None = None  # PEM, the chain behind it too
    client_key: Secret | None = field(default=None, repr=False)  # PEM
    ca_pem: str | None = None  # replaces the trust store
    local_address: str | None = None
    allow_cleartext_auth: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Patience in seconds for each stage, and for the whole."""

    dns_s: float = 5
    connect_s: float = 15
    tls_s: float = 15
    banner_s: float = 60
    command_s: float = 60
    data_s: float = 120
    block_s: float = 180
    dot_s: float = 600
    total_s: float = 900

    @classmethod
    def every(cls, stage_s: float, total_s: float) -> Limits:
        """One patience for every stage, as `portal try --stage-timeout` has it."""
        return cls(
            dns_s=stage_s,
            connect_s=stage_s,
            tls_s=stage_s,
            banner_s=stage_s,
            command_s=stage_s,
            data_s=stage_s,
            block_s=stage_s,
            dot_s=stage_s,
            total_s=total_s,
        )


LIVE_TEST = Limits.every(15, 20)
SHELL = Limits.every(15, 60)
ENGINE = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFacts:
    version: str
    cipher: str
    subject: str
    issuer: str
    not_after: datetime | None
    san: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One stage as it stands now: `said` is our sentence, `reply` the relay's words."""

    stage: Stage
    status: StepStatus
    ms: int = 0
    said: str = ""
    reply: Reply | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the transcript, redacted where it was made.

    `who` is "C" for us and "S" for the relay; `failed` marks the line that
    stopped the conversation.
    """

    who: str
    text: str
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a conversation ended before success; a value, never an exception.

    `exception` names the Python class that a client would see, `words` keeps the
    original text of the library or of the system: both are evidence.
    """

    stage: Stage
    kind: FailureKind
    words: str
    reply: Reply | None = None
    exception: str | None = None
    phase: Phase = Phase.BEFORE_DATA
    remedy: str | None = None  # the setting that allows a forbidden target


class RecipientStatus(StrEnum):
    ACCEPTED = "accepted"  # RCPT was taken; only inside a conversation and when stopped
    SENT = "sent"
    DEFERRED = "deferred"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    UNTRIED = "untried"  # the conversation ended before its RCPT


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientResult:
    address: str
    status: RecipientStatus
    reply: Reply | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """A certificate that a relay showed and that nobody vouched for."""

    subject: str
    issuer: str
    not_before: datetime
    not_after: datetime
    fingerprint: str  # SHA-256, upper-case hexadecimal with colons
    is_ca: bool
    pem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the conversation taught us about the relay."""

    address: str | None = None  # the IP we talked to
    tls: TlsFacts | None = None
    presented: tuple[Presented, ...] = ()  # where we do not trust it: the chain shown
    ehlo: tuple[str, ...] = ()  # the extension lines, upper-case keyword first


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The end of a conversation. `stage` is where it stopped, None when sent."""

    status: Status
    stage: Stage | None
    steps: tuple[Step, ...]
    recipients: tuple[RecipientResult, ...]
    facts: Facts
    transcript: tuple[Line, ...]
    phase: Phase
    reply: Reply | None = None  # the answer to the final dot
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A connection that did not come about, up to and with AUTH."""

    failure: Failure
    steps: tuple[Step, ...]
    facts: Facts
    transcript: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What `before_dot` may make durable: the dot will cover `accepted` only."""

    accepted: tuple[str, ...]
    refused: tuple[RecipientResult, ...]


OnStep = Callable[[Step], None]
BeforeDot = Callable[[Mark], Awaitable[bool]]

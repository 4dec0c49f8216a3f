"""Finds the error in a traceback: the last line of Python, the first cause of Java.

Also of Node, .NET, Go, PHP and Ruby, where they name a class or repeat a reply.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from portal.diagnosis.heard import stage_in
from portal.diagnosis.types import Evidence

_CLASS = re.compile(
    r"(?:^|nested exception is:|Caused by:|Unhandled exception\.|Uncaught|Error:|--->)"
    r"\s{0,12}((?:[A-Za-z_][\w]{0,60}(?:\.|::|\\)){0,6}"
    r"[A-Z]\w{1,60}(?:Exception|Error|Refused|Disconnected|Rejected|OpenTimeout|Timeout)"
    r"|(?:socket\.)?gaierror)(?: \(0x\w+\))?(?: \[\w+\])?(?::|$) ?(.{0,4000})",
    re.MULTILINE,
)
_TRACE = re.compile(
    r"^Traceback \(most recent|^\s+at [\w$.<>]{3,}|^\s+File \"|^Caused by:"
    r"|nested exception is|^\s+from \S+\.rb:",
    re.MULTILINE,
)
_BARE = re.compile(
    r"^(?:\S{0,40} )?(?:Uncaught )?(?:Error|panic|Exception|fatal):? (.{1,4000})",
    re.M | re.I,
)
_TUPLE = re.compile(r"\(([2-5]\d\d), b?(['\"])(.{0,3000}?)\2[,)]", re.DOTALL)
_REFUSED = re.compile(r"^\{?['\"]([^'\"\s]{1,320}@[^'\"\s]{1,255})['\"]: ?(?=\()")
# RFC 5321 §4.2.1: the second digit is 0 to 5; a port or a line of code is no reply.
_REPLY = re.compile(
    r"(?:^|(?<!HTTP)(?<!HTTP/1\.1)[\s:\"'])([245][0-57]\d)"
    r"(?:[ -](\D.{0,3000})|[ :-]{1,2}([245]\.\d.{0,3000}))"
)
_NODE_REPLY = re.compile(r"\bresponse: ?'([2-5]\d\d)[ -](.{0,3000}?)',?\s*$", re.M)
_NODE = re.compile(r"\bcode: ?'(E[A-Z]{2,20})'")
_NODE_COMMAND = re.compile(r"\bcommand: ?'([A-Z][A-Z ]{1,20})")
# What a library's name for the failure says of its stage.
_BY_CLASS = (
    (r"SMTPAuthenticationError|AuthenticationFailedException|EAUTH|MailKit\.Security"
     r"\.Auth", "auth"),
    (r"SMTPRecipients?Refused|SMTPAddressFailed|FailedRecipient", "rcpt_to"),
    (r"SMTPSenderRefused|SMTPSenderFailed", "mail_from"),
    (r"SMTPDataError|SMTPSendFailed|EMESSAGE", "post_data"),
    (r"SMTPHeloError", "ehlo"),
    (r"gaierror|UnknownHost|EDNS", "dns"),
    (r"ConnectionRefused|NoRouteToHost|MailConnect|OpenTimeout|\bConnectException"
     r"|ConnectTimeout", "connect"),
)  # fmt: skip
_BY_FRAME = (
    (r"\bin (?:login|auth\w*)$|\.authenticate\(", "auth"),
    (r"\bin starttls$|startTLS\(", "starttls"),
    (r"\bin (?:mail)$|\.mailFrom\(", "mail_from"),
    (r"\bin (?:rcpt)$|\.rcptTo\(", "rcpt_to"),
    (r"\bin (?:data)$|\.finishData\(", "post_data"),
    (r"\bin (?:ehlo|helo|ehlo_or_helo_if_needed)$|\.ehlo\(", "ehlo"),
    (r"\bin (?:getreply)$|readServerResponse\(", "banner"),
    (r"\bin (?:_get_socket|create_connection)$|openServer\(", "connect"),
)
_BY_WORDS = (
    (r"STARTTLS extension|support STARTTLS|start_?tls", "starttls"),
    (r"SMTP AUTH extension|Invalid login|Could not authenticate|Password command", "auth"),
    (r"SMTPUTF8", "mail_from"),
    (r"Could not convert socket to TLS", "starttls"),
    (r"ECONNREFUSED|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|dial tcp .{1,80}: (?:connect|i/o)",
     "connect"),
    (r"Greeting never received", "banner"),
    (r"ENOTFOUND|EAI_AGAIN|getaddrinfo|no such host|Name or service", "dns"),
    (r"CERTIFICATE_VERIFY_FAILED|x509:|altnames|PKIX", "tls"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    evidence: Evidence
    recipient: str | None = None


def raised(text: str) -> Raised | None:
    """None where the text names no class and is no traceback."""
    found = [*_CLASS.finditer(text)]
    node = _NODE.search(text)
    if not (found or node or _TRACE.search(text)):
        return None
    last = found[-1] if found else None
    name = last[1].replace("\\", ".").replace("::", ".") if last else None
    bare = _BARE.search(text)
    words = (last[2] if last else bare[1] if bare else _last_line(text)).strip()
    code, said = _reply(words, text)
    refused = _REFUSED.match(words)
    stage = _stage(name, words, text)
    return Raised(
        evidence=Evidence(
            text=said,
            stage=stage,
            code=code,
            enhanced=_enhanced(said) if code else None,
            exception=None if code else name,
        ),
        recipient=refused[1] if refused else None,
    )


def _reply(words: str, text: str) -> tuple[int | None, str]:
    if found := _TUPLE.search(words):
        said = found[3].replace("\\r", "").replace("\\n", "\n")
        return int(found[1]), said
    if found := _NODE_REPLY.search(text):
        return int(found[1]), found[2].replace("\\n", "\n")
    if found := _REPLY.search(words):
        return int(found[1]), (found[2] or found[3]).strip(" '\"")
    _, _, answer = words.partition("server response was:")
    return None, answer.strip() or words or _last_line(text)


def _enhanced(said: str) -> str | None:
    found = re.match(r"\s*#?([245]\.\d{1,3}\.\d{1,3})\b", said)
    return found[1] if found else None


def _stage(name: str | None, words: str, text: str) -> str | None:
    """The class first; then the frame it was raised in; then the words."""
    classes = name or "-"
    if node := _NODE.search(text):
        classes = f"{classes} {node[1]}"
    if stage := _first(_BY_CLASS, classes):
        return stage
    command = _NODE_COMMAND.search(text)
    if command and (stage := stage_in(f">>> {command[1]}")):
        return stage
    frames = "\n".join(line.strip() for line in text.splitlines()[-80:])
    return _first(_BY_FRAME, frames) or _first(_BY_WORDS, words)


def _first(table: tuple[tuple[str, str], ...], words: str) -> str | None:
    found = (stage for pattern, stage in table if re.search(pattern, words, re.M))
    return next(found, None)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""

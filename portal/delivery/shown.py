"""A conversation as JSON: the shapes that commands, rows and the API share."""

from __future__ import annotations

from typing import Any

from portal.delivery.types import Presented, RecipientResult, Reply, Step, TlsFacts


def step_json(step: Step) -> dict[str, Any]:
    return {
        "stage": step.stage.value,
        "status": step.status.value,
        "ms": step.ms,
        "said": step.said,
        "reply": reply_json(step.reply),
        "detail": step.detail,
    }


def reply_json(reply: Reply | None) -> dict[str, Any] | None:
    if reply is None:
        return None
    return {"code": reply.code, "enhanced": reply.enhanced, "text": reply.text}


def recipient_json(result: RecipientResult) -> dict[str, Any]:
    return {
        "address": result.address,
        "status": result.status.value,
        "reply": reply_json(result.reply),
    }


def tls_json(tls: TlsFacts | None) -> dict[str, Any] | None:
    if tls is None:
        return None
    return {
        "version": tls.version,
        "cipher": tls.cipher,
        "subject": tls.subject,
        "issuer": tls.issuer,
        "not_after": tls.not_after.isoformat() if tls.not_after else None,
        "san": list(tls.san),
    }


def presented_json(each: Presented) -> dict[str, Any]:
    return {
        "subject": each.subject,
        "issuer": each.issuer,
        "not_before": each.not_before.isoformat(),
        "not_after": each.not_after.isoformat(),
        "fingerprint": each.fingerprint,
        "is_ca": each.is_ca,
        "pem": each.pem,
    }

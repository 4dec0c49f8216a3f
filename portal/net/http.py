"""One question on an open connection, in the words of HTTP/1.1 (RFC 9112), by h11."""

from __future__ import annotations

import asyncio

import h11

from portal.net.http_types import HttpAnswer, HttpRequest, NoHttp

BODY_OCTETS = 64 * 1024
HEAD_OCTETS = 32 * 1024


async def ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: HttpRequest
) -> HttpAnswer:
    """One request, one answer of 64 KB at most. Raises NoHttp, OSError."""
    try:
        return await _asked(reader, writer, request)
    except h11.RemoteProtocolError as error:
        raise NoHttp(str(error)) from error


async def _asked(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: HttpRequest
) -> HttpAnswer:
    protocol = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_OCTETS)
    body_of_it = [h11.Data(data=request.body)] if request.body else []
    head = h11.Request(
        method=request.method, target=request.target, headers=[*request.headers]
    )
    for part in (head, *body_of_it, h11.EndOfMessage()):
        writer.write(protocol.send(part) or b"")
    response: h11.Response | None = None
    body, received = b"", 0
    while True:
        event = protocol.next_event()
        if event is h11.NEED_DATA:
            data = await reader.read(16 * 1024)
            received += len(data)
            if received > BODY_OCTETS + HEAD_OCTETS:
                raise NoHttp("the answer is longer than 64 KB")
            protocol.receive_data(data)
        elif isinstance(event, h11.Response):
            response = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage) and response is not None:
            if len(body) > BODY_OCTETS:
                raise NoHttp("the answer is longer than 64 KB")
            return _answer(response, body)
        elif isinstance(event, h11.ConnectionClosed):
            raise NoHttp("the connection was closed")


def _answer(response: h11.Response, body: bytes) -> HttpAnswer:
    headers = tuple(
        (name.decode("ascii"), value.decode("latin-1"))
        for name, value in response.headers
    )
    return HttpAnswer(status=response.status_code, body=body, headers=headers)

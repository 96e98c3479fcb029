"""JSON-RPC 2.0, one JSON text a line: bytes to requests, answers to bytes. No socket here."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from waconnd.rpc.errors import RpcError

#: A message with an inline picture fits (1 MiB in base64 is 1.4); more goes by `PUT /media`.
MAX_LINE: Final = 2 * 1024 * 1024

#: Enough for a page of work; more would let one line occupy the daemon.
MAX_BATCH: Final = 100

#: An id is echoed verbatim in every answer and progress note.
MAX_ID: Final = 256

MAX_METHOD: Final = 128

NULL: Final = b"null"


class Request(msgspec.Struct, frozen=True):
    """One call. `id` is the client's own text of it; None for a notification."""

    method: str
    params: msgspec.Raw
    id: bytes | None


class Failure(msgspec.Struct, frozen=True):
    """A request that is none: the answer to give."""

    id: bytes
    error: RpcError


class Batch(msgspec.Struct, frozen=True):
    """Several requests in one array; they are answered in one array."""

    items: list[Request | Failure]


class _Envelope(msgspec.Struct):
    """The members of a request; others are ignored, as everywhere in a message from the other side."""

    method: msgspec.Raw = msgspec.Raw(b"")
    params: msgspec.Raw = msgspec.Raw(b"")
    id: msgspec.Raw = msgspec.Raw(b"")
    jsonrpc: msgspec.Raw = msgspec.Raw(b"")


_envelope: Final = msgspec.json.Decoder(_Envelope)
_batch: Final = msgspec.json.Decoder(list[msgspec.Raw])
_any: Final = msgspec.json.Decoder()


class LineReader:
    """Cuts a stream into lines. A line that is too long is reported once and skipped to its end."""

    def __init__(self, limit: int = MAX_LINE) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._skipping = False

    def feed(self, data: bytes) -> list[bytes | Failure]:
        """The lines that are complete now, without their ends; empty ones are left out."""
        out: list[bytes | Failure] = []
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            self._take(data[start:end], out)
            if self._skipping:
                self._skipping = False
            elif line := bytes(self._buffer).strip():
                out.append(line)
            self._buffer.clear()
            start = end + 1
        self._take(data[start:], out)
        return out

    def _take(self, piece: bytes, out: list[bytes | Failure]) -> None:
        if self._skipping:
            return
        if len(self._buffer) + len(piece) > self._limit:
            self._skipping = True
            self._buffer.clear()
            sentence = f"a line may have {self._limit} bytes; send large data by `PUT /media`"
            out.append(Failure(NULL, RpcError("invalid_request", sentence)))
            return
        self._buffer += piece

    @property
    def partial(self) -> bool:
        """Whether a line has begun that is not complete."""
        return bool(self._buffer) or self._skipping


def parse(line: bytes) -> Request | Failure | Batch:
    """One line. Whatever the bytes are, the answer is one of these three."""
    try:
        # What is passed on unread (an id, params) must not smuggle other bytes in.
        line.decode("utf-8")
    except UnicodeDecodeError as error:
        return Failure(NULL, RpcError("parse", f"not UTF-8: {error.reason} at byte {error.start}"))
    if line[:1] != b"[":
        return _request(line)
    try:
        # A whole check first: Raw would let garbage inside through to its own place in the batch.
        _any.decode(line)
        items = _batch.decode(line)
    except (msgspec.DecodeError, RecursionError) as error:
        return Failure(NULL, RpcError("parse", f"not JSON: {error}"))
    if not items:
        return Failure(NULL, RpcError("invalid_request", "an empty batch asks nothing"))
    if len(items) > MAX_BATCH:
        sentence = f"a batch may have {MAX_BATCH} requests, this one has {len(items)}"
        return Failure(NULL, RpcError("invalid_request", sentence))
    return Batch([_request(bytes(item)) for item in items])


def _request(text: bytes) -> Request | Failure:
    try:
        envelope = _envelope.decode(text)
    except msgspec.ValidationError:
        return Failure(
            NULL, RpcError("invalid_request", "a request is a JSON object with `method` and `params`")
        )
    except (msgspec.DecodeError, RecursionError) as error:
        return Failure(NULL, RpcError("parse", f"not JSON: {error}"))
    try:
        id = _id(bytes(envelope.id))
    except (ValueError, RecursionError):
        return Failure(
            NULL, RpcError("invalid_request", f"`id` is a string or number of at most {MAX_ID} bytes")
        )
    back = id if id is not None else NULL
    if (mark := bytes(envelope.jsonrpc)) and mark != b'"2.0"':
        return Failure(back, RpcError("invalid_request", '`jsonrpc` is "2.0", or absent'))
    try:
        method = msgspec.json.decode(envelope.method or b'""', type=str)
    except msgspec.DecodeError:
        method = ""
    if not method or len(method) > MAX_METHOD:
        return Failure(back, RpcError("invalid_request", "`method` is the name of a method"))
    params = bytes(envelope.params)
    # Some libraries send an empty array, or null, when there are no parameters.
    if params in (b"", b"[]", b"null"):
        params = b"{}"
    return Request(method, msgspec.Raw(params), id)


def _id(raw: bytes) -> bytes | None:
    if not raw:
        return None
    if len(raw) > MAX_ID or not isinstance(_any.decode(raw), str | int | float | None):
        raise ValueError("id")
    return raw


def result_line(id: bytes, result: bytes) -> bytes:
    """The answer to a call, without the line's end (a batch joins several)."""
    return b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (id, result)


def error_line(id: bytes, error: RpcError) -> bytes:
    """The refusal of a call, without the line's end."""
    return b'{"jsonrpc":"2.0","id":%b,"error":%b}' % (id, msgspec.json.encode(error.as_object()))


def notification(method: str, params: Any) -> bytes:
    """What the daemon says on its own, a whole line."""
    return msgspec.json.encode({"jsonrpc": "2.0", "method": method, "params": params}) + b"\n"

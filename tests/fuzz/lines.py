"""RPC lines: whatever a client sends, there is a request, an error or a batch of them, and their answers are JSON."""

import msgspec

from waconnd.rpc.errors import RpcError
from waconnd.rpc.lines import Batch, Failure, LineReader, Request, error_line, parse, result_line


def fuzz_lines(data: bytes) -> None:
    for line in LineReader(4096).feed(data + b"\n"):
        asked = line if isinstance(line, Failure) else parse(line)
        for item in asked.items if isinstance(asked, Batch) else [asked]:
            _answer(item)


def _answer(item: Request | Failure) -> None:
    if isinstance(item, Failure):
        answer = error_line(item.id, item.error)
    elif item.id is None:
        return
    else:
        answer = result_line(item.id, b"{}")
        assert msgspec.json.decode(item.id) == msgspec.json.decode(answer)["id"]
    assert b"\n" not in answer.replace(item.id or b"", b"")
    msgspec.json.decode(answer)
    msgspec.json.decode(error_line(b"1", RpcError("parse", str(item))))


def requests() -> list[bytes]:
    return [
        b'{"jsonrpc":"2.0","id":1,"method":"account.get","params":{"account":"main"}}',
        b'{"id":"a\\u00e9","method":"x.y","params":[]}\n{"method":"$/cancel","params":{"id":"a"}}',
        b'[{"id":1.5e3,"method":"a.b"},{"method":"c.d","params":null},7,[]]',
        b'{"id":null,"method":"a.b","params":{"deep":' + b"[" * 50 + b"]" * 50 + b"}}",
        b'{"id":{},"method":1}',
    ]

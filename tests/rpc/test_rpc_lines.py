"""JSON-RPC lines on a real socket."""

from __future__ import annotations

import array
import os
import socket

import anyio
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rpc.wire import Wire
from waconnd.rpc.lines import MAX_LINE, Batch, Failure, LineReader, Request, parse


async def test_a_call_and_its_answer(house):
    wire = await Wire.to(house)
    got = await wire.call("echo.say", text="hi", times=2)
    assert got == {
        "jsonrpc": "2.0",
        "id": 1,
        "result": {"text": "hihi", "account": "main", "ran": got["result"]["ran"]},
    }
    await wire.stream.aclose()


@pytest.mark.parametrize(
    "id", [b"1", b'"a\\u00e9"', b"1.50", b"null", b"-0", b"123456789012345678901234567890"]
)
async def test_ids_come_back_verbatim(house, id):
    wire = await Wire.to(house)
    await wire.send(b'{"method":"rpc.whoami","id":%b}\n' % id)
    while b"\n" not in wire.buffer:
        wire.buffer += await wire.stream.receive()
    assert b'"id":%b,' % id in wire.buffer
    await wire.stream.aclose()


@pytest.mark.parametrize(
    ("line", "kind", "id"),
    [
        (b"{", "parse", None),
        (b'{"method":"rpc.whoami","id":{}}', "invalid_request", None),
        (b'{"method":"rpc.whoami","id":[1]}', "invalid_request", None),
        (b'{"method":7,"id":1}', "invalid_request", 1),
        (b'{"id":1}', "invalid_request", 1),
        (b"[]", "invalid_request", None),
        (b"[" + b"[" * 100_000, "parse", None),
        (b"{" + b'"a":[' * 100_000, "parse", None),
        (b"\x00", None, None),
        (b'{"method":"\xff","id":1}', "parse", None),
        (b'{"jsonrpc":"1.0","method":"rpc.whoami","id":1}', "invalid_request", 1),
        (b'{"method":"no.such","id":1}', "method_not_found", 1),
        (b'{"method":"echo.say","id":1,"params":[1]}', "invalid_params", 1),
        (b'{"method":"echo.say","id":1,"params":{"text":1}}', "invalid_params", 1),
        (b'{"method":"echo.say","id":1,"params":"x"}', "invalid_params", 1),
    ],
)
async def test_what_makes_no_sense_gets_a_clear_error_and_the_stream_goes_on(house, line, kind, id):
    wire = await Wire.to(house)
    if kind is not None:
        await wire.send(line + b"\n")
        got = await wire.line()
        assert (got["error"]["data"]["kind"], got["id"]) == (kind, id)
        assert len(got["error"]["message"]) > 10
        assert (await wire.call("rpc.whoami"))["result"]["uid"] == os.getuid()
    else:
        await wire.send(line + b"\n")
        assert await wire.closed()
        assert b"this socket speaks" in wire.buffer
    await wire.stream.aclose()


async def test_an_unknown_parameter_is_refused_by_name(house):
    wire = await Wire.to(house)
    error = (await wire.call("echo.say", text="x", tims=2))["error"]
    assert error["code"] == -32602
    assert error["data"]["path"] == "$.tims"
    assert "times" in error["data"]["advice"]
    await wire.stream.aclose()


async def test_a_batch_is_answered_in_one_array_and_notifications_not_at_all(house):
    wire = await Wire.to(house)
    await wire.send(
        b'[{"method":"rpc.whoami","id":1},{"method":"rpc.whoami"},7,{"method":"no.such","id":"x"}]\n'
        b'{"method":"rpc.whoami"}\n[{"method":"rpc.whoami"}]\n{"method":"rpc.whoami","id":9}\n'
    )
    got = [await wire.line(), await wire.line()]
    batch = next(one for one in got if isinstance(one, list))
    assert sorted(str(one["id"]) for one in batch) == ["1", "None", "x"]
    assert next(one for one in got if isinstance(one, dict))["id"] == 9
    await wire.send(b"[" + b",".join([b'{"method":"rpc.whoami","id":1}'] * 101) + b"]\n")
    assert (await wire.line())["error"]["data"]["kind"] == "invalid_request"
    await wire.send(b"[" + b",".join([b'{"method":"rpc.whoami","id":1}'] * 100) + b"]\n")
    assert len(await wire.line()) == 100
    await wire.stream.aclose()


async def test_a_line_that_is_too_long_is_skipped_whole(house):
    wire = await Wire.to(house)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(
            wire.send, b'{"x":"' + b"a" * (MAX_LINE * 2) + b'"}\n{"method":"rpc.whoami","id":5}\n'
        )
        assert str(MAX_LINE) in (await wire.line())["error"]["message"]
        assert (await wire.line())["id"] == 5
    await wire.stream.aclose()


async def test_calls_run_side_by_side_and_can_be_cancelled(house):
    wire = await Wire.to(house)
    await wire.send(
        b'{"method":"echo.sleep","params":{"seconds":4},"id":"slow"}\n{"method":"rpc.whoami","id":2}\n'
    )
    assert (await wire.line())["method"] == "$/progress"
    assert (await wire.line())["id"] == 2
    await wire.send(b'{"method":"$/cancel","params":{"id":"slow"}}\n')
    got = await wire.line()
    assert (got["id"], got["error"]["code"]) == ("slow", -32800)
    await wire.stream.aclose()


async def test_timeouts_are_the_callers(house):
    wire = await Wire.to(house)
    got = await wire.call("echo.sleep", seconds=4, timeout_s=0.1)
    assert got["error"]["data"]["kind"] == "timeout"
    assert (await wire.call("echo.sleep", seconds=0, timeout_s=0))["error"]["data"]["path"] == "$.timeout_s"
    await wire.stream.aclose()


async def test_the_same_key_is_done_once(house):
    wire = await Wire.to(house)
    first = (await wire.call("echo.say", text="a", key="k"))["result"]
    assert (await wire.call("echo.say", text="a", key="k"))["result"] == first
    assert (await wire.call("echo.say", text="b", key="k"))["error"]["data"]["kind"] == "idempotency_conflict"
    assert (await wire.call("echo.say", text="a", key="l"))["result"]["ran"] == first["ran"] + 1
    assert (await wire.call("echo.say", text="a", dry_run=True))["result"] == {"dry_run": True, "ok": True}
    await wire.stream.aclose()


async def test_which_account(house):
    wire = await Wire.to(house)
    house.accounts = []
    assert (await wire.call("echo.say", text="a"))["error"]["data"]["kind"] == "account_required"
    house.accounts = ["a", "b"]
    assert (await wire.call("echo.say", text="a"))["error"]["data"]["accounts"] == ["a", "b"]
    assert (await wire.call("echo.say", text="a", account="b"))["result"]["account"] == "b"
    assert (await wire.call("echo.say", text="a", account="c"))["error"]["data"][
        "kind"
    ] == "account_not_found"
    await wire.stream.aclose()


async def test_a_bug_is_told_without_its_inside(house, caplog):
    wire = await Wire.to(house)
    error = (await wire.call("echo.crash", seconds=1))["error"]
    assert error["data"]["kind"] == "internal"
    assert "573126809496" not in str(error)
    assert error["data"]["incident"] in caplog.text
    await wire.stream.aclose()


async def test_more_than_enough_in_flight_stops_the_reading(house):
    wire = await Wire.to(house)
    many = b"".join(b'{"method":"echo.sleep","params":{"seconds":0.3},"id":%d}\n' % n for n in range(80))
    await wire.send(many)
    await anyio.sleep(0.15)
    assert house.server.calls == 64
    ids = set()
    while len(ids) < 80:
        got = await wire.line()
        if "id" in got:
            ids.add(got["id"])
    await wire.stream.aclose()


async def test_a_client_that_closed_its_half_gets_its_answers(house):
    wire = await Wire.to(house)
    await wire.send(b'{"method":"echo.sleep","params":{"seconds":0.1},"id":1}\n')
    await wire.stream.send_eof()
    assert await wire.closed()
    assert b'"slept"' in wire.buffer
    await wire.stream.aclose()


async def test_a_client_that_is_gone_ends_its_calls(house):
    wire = await Wire.to(house)
    await wire.send(b'{"method":"echo.sleep","params":{"seconds":4},"id":1}\n')
    await anyio.sleep(0.05)
    assert house.server.calls == 1
    await wire.stream.aclose()
    with anyio.fail_after(3):
        while house.server.calls or house.server.connections:
            await anyio.sleep(0.02)


async def test_descriptors_reach_their_call(house, tmp_path):
    path = tmp_path / "f"
    path.write_text("inside")
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(str(house.socket))
    before = len(os.listdir("/proc/self/fd"))
    with path.open() as file:
        fds = array.array("i", [file.fileno()])
        sock.send(b'{"method":"rpc.whoami","id":1}\n')
        sock.sendmsg([b'{"method":"echo.fds","id":2}\n'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
        wire = Wire(None)
        got = {}
        while len(got) < 2:
            chunk = await anyio.to_thread.run_sync(sock.recv, 65536)
            for line in chunk.splitlines():
                one = msgspec.json.decode(line)
                got[one["id"]] = one
        assert got[2]["result"] == ["inside"]
        assert wire.buffer == b""
    assert len(os.listdir("/proc/self/fd")) <= before + 1
    sock.close()


async def test_no_user_takes_all_connections(house):
    wires = [await Wire.to(house) for _ in range(32)]
    extra = await Wire.to(house)
    assert (await extra.line())["error"]["data"]["kind"] == "rate_limited"
    await wires[0].stream.aclose()
    await anyio.sleep(0.05)
    again = await Wire.to(house)
    assert "result" in await again.call("rpc.whoami")
    for wire in [*wires[1:], extra, again]:
        await wire.stream.aclose()


@given(st.lists(st.binary(max_size=40)), st.integers(1, 20))
def test_lines_do_not_depend_on_how_they_were_cut(chunks, step):
    data = b"\n".join(chunks)
    whole, cut = LineReader(30), LineReader(30)
    at_once = whole.feed(data)
    bits = [line for n in range(0, len(data), step) for line in cut.feed(data[n : n + step])]

    def shown(lines):
        return [line if isinstance(line, bytes) else "too long" for line in lines]

    assert shown(at_once) == shown(bits)


@settings(max_examples=300)
@given(
    st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
def test_any_bytes_parse_to_something(data):
    assert isinstance(parse(data), Request | Failure | Batch)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=200)
@given(st.dictionaries(st.sampled_from(["id", "method", "params", "jsonrpc", "x"]), _json))
def test_any_object_parses_to_something(value):
    parsed = parse(msgspec.json.encode(value))
    assert isinstance(parsed, Request | Failure)

"""HTTP on the same socket, with curl and with bytes."""

from __future__ import annotations

import http.client
import shutil
import socket
from typing import Any

import anyio
import msgspec
import pytest

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


async def curl(house: Any, *arguments: str, stdin: bytes = b"") -> tuple[int, bytes]:
    """Status and body."""
    command = [
        "curl",
        "-sS",
        "-m",
        "10",
        "--unix-socket",
        str(house.socket),
        "-w",
        "\n%{http_code}",
        *arguments,
    ]
    done = await anyio.run_process(command, input=stdin, check=False)
    assert done.returncode == 0, done.stderr
    body, _, status = done.stdout.rpartition(b"\n")
    return int(status), body


async def test_a_method_by_post(house):
    status, body = await curl(house, "http://x/echo.say", "-d", '{"text":"hi"}')
    assert (status, msgspec.json.decode(body)["text"]) == (200, "hi")
    status, body = await curl(house, "http://localhost/rpc.whoami", "-X", "POST")
    assert (status, msgspec.json.decode(body)["scopes"]) == (200, ["admin", "read", "send"])
    status, body = await curl(
        house, "http://x/rpc", "-d", '[{"method":"rpc.whoami","id":1},{"method":"no.such","id":2}]'
    )
    assert status == 200
    assert [one.get("error", {}).get("code") for one in msgspec.json.decode(body)] == [None, -32601]
    status, body = await curl(house, "http://x/rpc", "-d", '{"method":"rpc.whoami"}')
    assert (status, body) == (204, b"")


@pytest.mark.parametrize(
    ("arguments", "status", "kind"),
    [
        (["http://x/no.such", "-d", "{}"], 404, "method_not_found"),
        (["http://x/echo.say", "-d", "{}"], 400, "invalid_params"),
        (["http://x/echo.say", "-d", "{"], 400, "invalid_params"),
        (["http://x/nothing"], 404, "method_not_found"),
        (["http://x/account/main/qr.gif"], 404, "not_found"),
        (["http://x/media/../../etc/passwd", "--path-as-is"], 404, "method_not_found"),
        (["http://x/media/u_nothing"], 404, "not_found"),
        (
            ["http://x/echo.say", "-d", '{"text":"x"}', "-H", "Origin: https://evil.example"],
            403,
            "permission_denied",
        ),
        (
            ["http://x/echo.say", "-d", '{"text":"x"}', "-H", "Referer: https://evil.example"],
            403,
            "permission_denied",
        ),
        (["http://x/echo.say", "-d", '{"text":"x"}', "-H", "Sec-Fetch-Site: none"], 403, "permission_denied"),
        (["http://x/echo.say", "-d", '{"text":"x"}', "-H", "Host: evil.example"], 403, "permission_denied"),
        (["http://x/echo.say", "-d", '{"text":"x"}', "-H", "Host: 127.0.0.1:80"], 403, "permission_denied"),
        (
            ["http://x/echo.say", "-d", '{"text":"x"}', "-H", "Authorization: Bearer no"],
            403,
            "permission_denied",
        ),
        (["http://x/events?after=999"], 410, "cursor_expired"),
        (["http://x/events?aftr=999"], 400, "invalid_params"),
    ],
)
async def test_refusals_have_a_status_and_a_kind(house, arguments, status, kind):
    got, body = await curl(house, *arguments)
    assert (got, msgspec.json.decode(body)["error"]["data"]["kind"]) == (status, kind)


async def test_pages(house):
    status, body = await curl(house, "http://x/openrpc.json")
    document = msgspec.json.decode(body)
    assert status == 200
    said = next(one for one in document["methods"] if one["name"] == "echo.say")
    assert [p["name"] for p in said["params"]] == [
        "account",
        "timeout_s",
        "key",
        "dry_run",
        "text",
        "times",
    ] or {p["name"] for p in said["params"]} == {"account", "timeout_s", "key", "dry_run", "text", "times"}
    assert (await curl(house, "http://x/healthz"))[0] == 200
    status, body = await curl(house, "http://x/metrics")
    assert status == 200
    assert b'waconnd_rpc_seconds_count{method="rpc.discover",kind="ok"} 1' in body
    assert (await curl(house, "-I", "http://x/metrics"))[0] == 200


async def test_media_stream_in_and_out(house, tmp_path):
    path = tmp_path / "big"
    path.write_bytes(bytes(range(256)) * 12_000)
    # curl asks `Expect: 100-continue` for a body of this size.
    status, body = await curl(
        house, "-T", str(path), "http://x/media?name=a.jpg", "-H", "Content-Type: image/jpeg"
    )
    kept = msgspec.json.decode(body)
    assert (status, kept["size"]) == (200, 3_072_000)
    status, body = await curl(house, f"http://x/media/{kept['upload']}")
    assert body == path.read_bytes()
    chunked = ["-T", "-", "http://x/media", "-H", "Transfer-Encoding: chunked"]
    assert msgspec.json.decode((await curl(house, *chunked, stdin=b"abc"))[1])["size"] == 3


async def test_a_body_that_is_too_large_is_refused_and_media_are_not_executable(house):
    status, body = await curl(house, "http://x/echo.say", "--data-binary", "@-", stdin=b"x" * 3_000_000)
    assert (status, b"PUT /media" in body) == (400, True)


async def test_keep_alive_and_pipelining(house):
    def talk() -> list[int]:
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(house.socket))
        out = []
        for _ in range(3):
            connection.request("POST", "/rpc.whoami", b"{}")
            response = connection.getresponse()
            response.read()
            out.append(response.status)
        connection.sock.sendall(b"POST /rpc.whoami HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}" * 2)
        data = b""
        while data.count(b"HTTP/1.1 200") < 2:
            data += connection.sock.recv(65536)
        connection.close()
        return out

    assert await anyio.to_thread.run_sync(talk) == [200, 200, 200]


@pytest.mark.parametrize(
    "data",
    [
        b"GET /" + b"a" * 40_000,
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 9000 + b"\r\n",
        b"NONSENSE\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /rpc HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /rpc HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /rpc HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
async def test_hostile_requests_end_with_an_error(house, data):
    stream = await anyio.connect_unix(house.socket)
    got = b""
    with anyio.fail_after(5):
        try:
            await stream.send(data)
            await stream.send_eof()
            while True:
                got += await stream.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            pass
    await stream.aclose()
    assert got.startswith(b"HTTP/1.1 4"), got
    assert b'"message"' in got
    assert (await curl(house, "http://x/healthz"))[0] == 200


async def test_events_as_ndjson_and_sse(house):
    seqs = await house.happen("a", "b", "c")

    async def lines(count: int, *arguments: str) -> list[bytes]:
        command = ["curl", "-sSN", "--unix-socket", str(house.socket), *arguments]
        async with await anyio.open_process(command) as process:
            data = b""
            with anyio.fail_after(5):
                while data.count(b"\n") < count:
                    data += await process.stdout.receive()
            process.kill()
            return data.splitlines()[:count]

    got = [msgspec.json.decode(line) for line in await lines(2, f"http://x/events?after={seqs[0]}")]
    assert [(one["seq"], one["data"]["body"]["text"], one["backlog"]) for one in got] == [
        (seqs[1], "b", True),
        (seqs[2], "c", True),
    ]
    sse = ["-H", "Accept: text/event-stream", "-H", f"Last-Event-ID: {seqs[1]}", "http://x/events"]
    got = [line for line in await lines(6, *sse) if line and not line.startswith(b":")]
    assert got[0] == b"id: %d" % seqs[2]
    assert got[1] == b"event: message.received"
    with anyio.fail_after(5):
        while house.server.connections:
            await anyio.sleep(0.05)


async def test_a_token_narrows(house):
    _, body = await curl(house, "http://x/token.create", "-d", '{"scopes":["read"],"methods":["events.*"]}')
    bearer = ["-H", f"Authorization: Bearer {msgspec.json.decode(body)['token']}"]
    assert (await curl(house, *bearer, "http://x/events.cursors", "-d", "{}"))[0] == 200
    for name in ("daemon.info", "echo.say"):
        assert (await curl(house, *bearer, f"http://x/{name}", "-d", "{}"))[0] == 403
    _, body = await curl(house, "http://x/token.list", "-d", "{}")
    (token,) = msgspec.json.decode(body)["tokens"]
    assert "digest" not in token
    assert (await curl(house, "http://x/token.revoke", "-d", f'{{"id":"{token["id"]}"}}'))[0] == 200
    assert (await curl(house, *bearer, "http://x/events.cursors", "-d", "{}"))[0] == 403


async def test_a_half_request_is_cut_off(house, monkeypatch):
    monkeypatch.setattr("waconnd.rpc.http.HEADERS_S", 0.1)
    stream = await anyio.connect_unix(house.socket)
    await stream.send(b"GET / HTTP/1.1\r\nHo")
    with anyio.fail_after(3):
        got = await stream.receive()
    assert b"did not come" in got
    await stream.aclose()

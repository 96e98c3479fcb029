"""Hooks: real programs and a real HTTP server, told of real rows."""

from __future__ import annotations

import hashlib
import hmac
import http.server
import threading

import anyio
import msgspec
import pytest

from tests.rpc.wire import Wire


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((dict(self.headers), body))
        status = self.server.answers.pop(0) if self.server.answers else 200
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        self.wfile.write(b"an answer")

    def log_message(self, *args):
        pass


@pytest.fixture
def receiver():
    server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
    server.got, server.answers = [], []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


async def eventually(what, seconds: float = 8.0):
    with anyio.fail_after(seconds):
        while not what():
            await anyio.sleep(0.02)


async def test_a_url_gets_signed_events_in_order_with_retries(house, receiver, tmp_path):
    (tmp_path / "hooks/credentials").mkdir(parents=True)
    (tmp_path / "hooks/credentials/crm").write_text("s3cret\n")
    wire = await Wire.to(house)
    url = f"http://127.0.0.1:{receiver.server_port}/wa?x=1"
    receiver.answers = [503, 200]
    made = await wire.call("hook.set", hook="crm", url=url, types=["message.*"], secret="crm", reply=True)
    assert made["result"]["hook"] == "crm"
    await anyio.sleep(0.05)
    seqs = await house.happen("one", "two")
    await house.happen("else", type="account.state")
    await eventually(lambda: len(receiver.got) == 3)
    headers, body = receiver.got[0]
    event = msgspec.json.decode(body)
    assert (event["seq"], event["type"], event["data"]["body"]["text"]) == (
        seqs[0],
        "message.received",
        "one",
    )
    text = f"{headers['X-Waconnd-Timestamp']}.".encode() + body
    assert headers["X-Waconnd-Signature"] == "sha256=" + hmac.new(b"s3cret", text, hashlib.sha256).hexdigest()
    assert [msgspec.json.decode(b)["seq"] for _, b in receiver.got] == [seqs[0], seqs[0], seqs[1]]
    await eventually(lambda: len(house.replies) == 2)
    assert house.replies[0][1:] == ("an answer", f"hook:crm:{seqs[0]}")
    page = (await wire.call("events.read", after=0, types=["hook.failed"]))["result"]
    assert [e["data"]["seq"] for e in page["events"]] == [seqs[0]]
    (row,) = (await wire.call("hook.list"))["result"]["hooks"]
    assert (row["delivered"], row["failed"]) == (2, 1)
    assert (await wire.call("hook.replay", hook="crm", after=0))["result"] == {"ok": True}
    await eventually(lambda: len(receiver.got) == 5)
    assert (await wire.call("hook.remove", hook="crm"))["result"] == {"ok": True}
    assert (await wire.call("hook.remove", hook="crm"))["error"]["data"]["kind"] == "not_found"
    await wire.stream.aclose()


async def test_a_program_is_the_three_line_bot(house, tmp_path):
    bot = tmp_path / "bot"
    bot.write_text('#!/bin/sh\ncat > "$(dirname "$0")/seen"\necho "$WACONND_EVENT $WACONND_CHAT"\n')
    bot.chmod(0o755)
    wire = await Wire.to(house)
    await wire.call("hook.set", hook="bot", exec=[str(bot)], types=["message.received"], reply=True)
    await anyio.sleep(0.05)
    await house.happen("hi")
    await eventually(lambda: house.replies)
    assert house.replies[0][1] == "message.received 1@lid"
    assert msgspec.json.decode((tmp_path / "seen").read_bytes())["data"]["body"]["text"] == "hi"
    await wire.stream.aclose()


async def test_what_never_works_ends_with_the_dead_letters(house, tmp_path, monkeypatch):
    monkeypatch.setattr("waconnd.hooks.hooks.MAX_PAUSE_S", 0.01)
    monkeypatch.setattr("waconnd.hooks.hooks.random.uniform", lambda low, high: 0.01)
    wire = await Wire.to(house)
    await wire.call("hook.set", hook="bad", exec=["/bin/false"], attempts=2)
    await anyio.sleep(0.05)
    (seq,) = await house.happen("lost?")
    dead = tmp_path / "hooks/bad.dead.ndjson"
    await eventually(dead.exists)
    await anyio.sleep(0.3)
    # Its own failures are no events for it: it would never end.
    assert [msgspec.json.decode(line)["seq"] for line in dead.read_bytes().splitlines()] == [seq]
    page = (await wire.call("events.read", after=0, types=["hook.*"]))["result"]
    assert [e["type"] for e in page["events"]] == ["hook.failed", "hook.dead"]
    await wire.stream.aclose()


async def test_hooks_that_cannot_be(house):
    wire = await Wire.to(house)
    for params in ({"hook": "x"}, {"hook": "X Y", "url": "http://a"}, {"hook": "x", "url": "ftp://a"}):
        assert (await wire.call("hook.set", **params))["error"]["data"]["kind"] == "invalid_params"
    await wire.stream.aclose()

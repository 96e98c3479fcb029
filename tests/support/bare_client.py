"""The least that a server takes for a linked device: logs in, says `active`, answers every message with its receipt.

It decrypts nothing, so that a measurement of a server measures that server. Runs as a process of its own:

    python -m tests.support.bare_client URL ROOT COUNT < keys        # a line a device: number device noise-private
"""

import asyncio
import contextlib
import sys
import time

from websockets.asyncio.client import connect

from protocol.crypto.curve import from_private
from protocol.jid import SERVER
from protocol.node import Node
from protocol.noise.handshake import ClientHandshake
from protocol.pb.login_pb2 import ClientPayload
from protocol.stanza.acks import ack
from protocol.wire.codec import decode, encode
from protocol.wire.framing import FrameReader, frame, intro
from waconnd.sandbox.seed import Seeded


class BareDevice:
    """Bytes in, bytes out: `hello` first, then whatever `receive` answers."""

    def __init__(self, root, number, device, private):
        self.number, self.device = number, int(device)
        static, entropy = from_private(bytes.fromhex(private)), Seeded(f"{number}:{device}")
        self._handshake = ClientHandshake(static, bytes.fromhex(root), entropy)
        self._payload = ClientPayload(
            username=int(number), device=self.device, passive=True
        ).SerializeToString()
        self._reader = FrameReader()
        self._transport = None
        #: The offline queue was handed over.
        self.caught_up = False

    def hello(self):
        return intro() + frame(self._handshake.hello(self._payload))

    def receive(self, data, now):
        out = b""
        for sealed in self._reader.feed(data):
            if self._transport is None:
                finish, self._transport = self._handshake.finish(sealed, self._payload, now)
                attrs = {"to": SERVER, "type": "set", "xmlns": "passive", "id": "1"}
                out += frame(finish) + self._seal(Node("iq", attrs, [Node("active")]))
            else:
                out += self._answer(decode(self._transport.open(sealed)))
        return out

    def _seal(self, node):
        return frame(self._transport.seal(encode(node)))

    def _answer(self, node):
        if node.tag == "message":
            attrs = {"id": node.attrs["id"], "to": node.attrs["from"]}
            if "recipient" in node.attrs:
                attrs |= {"recipient": node.attrs["recipient"], "type": "sender"}
            return self._seal(Node("receipt", attrs))
        if node.tag in ("notification", "receipt"):
            return self._seal(ack(node))
        if node.tag == "ib" and node.child("offline"):
            self.caught_up = True
        return b""


async def run(device, url, turn, caught_up):
    """One device on a websocket, until the other end has enough."""
    async with contextlib.AsyncExitStack() as stack:
        async with turn:
            connection = connect(url, compression=None, max_size=None, ping_interval=None, open_timeout=60)
            socket = await stack.enter_async_context(connection)
            await socket.send(device.hello())
        async for data in socket:
            if answers := device.receive(data, time.time()):
                await socket.send(answers)
            if device.caught_up:
                caught_up.set()


async def main(url, root):
    devices = [BareDevice(root, *line.split()) for line in sys.stdin]
    ready = [asyncio.Event() for _ in devices]
    # A few at a time: two hundred handshakes at once on a busy machine take longer than any end waits for one.
    turn = asyncio.Semaphore(8)
    async with asyncio.TaskGroup() as tasks:
        for device, event in zip(devices, ready, strict=True):
            tasks.create_task(run(device, url, turn, event))
        for event in ready:
            await event.wait()
        print("ready", flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))

"""The least that a server takes for a linked device: logs in, says `active`, answers every message with its receipt.

It decrypts nothing, so that a measurement of a server measures that server. Runs as a process of its own:

    python -m tests.support.bare_client URL ROOT COUNT < keys        # a line a device: number device noise-private
"""

import asyncio
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


class BareClient:
    """One device."""

    def __init__(self, url, root, number, device, private):
        self.url, self.root = url, bytes.fromhex(root)
        self.number, self.device = number, int(device)
        self.static = from_private(bytes.fromhex(private))
        self.caught_up = asyncio.Event()

    async def run(self):
        entropy = Seeded(f"{self.number}:{self.device}")
        handshake = ClientHandshake(self.static, self.root, entropy)
        async with connect(self.url, compression=None, max_size=None, ping_interval=None) as socket:
            reader = FrameReader()
            payload = ClientPayload(
                username=int(self.number), device=self.device, passive=True
            ).SerializeToString()
            await socket.send(intro() + frame(handshake.hello(payload)))
            frames = []
            while not frames:
                frames = reader.feed(await socket.recv())
            finish, transport = handshake.finish(frames[0], payload, time.time())
            active = Node(
                "iq", {"to": SERVER, "type": "set", "xmlns": "passive", "id": "1"}, [Node("active")]
            )
            await socket.send(frame(finish) + frame(transport.seal(encode(active))))
            self.transport = transport
            async for data in socket:
                answers = []
                for sealed in reader.feed(data):
                    node = decode(transport.open(sealed))
                    if node.tag == "message":
                        attrs = {"id": node.attrs["id"], "to": node.attrs["from"]}
                        if "recipient" in node.attrs:
                            attrs |= {"recipient": node.attrs["recipient"], "type": "sender"}
                        receipt = Node("receipt", attrs)
                        answers.append(frame(transport.seal(encode(receipt))))
                    elif node.tag in ("notification", "receipt"):
                        answers.append(frame(transport.seal(encode(ack(node)))))
                    elif node.tag == "ib" and node.child("offline"):
                        self.caught_up.set()
                if answers:
                    await socket.send(b"".join(answers))


async def main(url, root):
    clients = [BareClient(url, root, *line.split()) for line in sys.stdin]
    tasks = [asyncio.create_task(client.run()) for client in clients]
    for client in clients:
        await client.caught_up.wait()
    print("ready", flush=True)
    await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))

"""The codec and a client's half of the handshake beside Baileys' own, and both halves of the handshake."""

import random
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

from protocol.crypto.curve import KeyPair, generate
from protocol.jid import GROUP, LID, Jid
from protocol.node import Node
from protocol.noise.certificate import issue_chain
from protocol.noise.handshake import ClientHandshake, ServerHandshake
from protocol.wire.codec import decode, encode
from tests.bench.harness import NodePeer, Row, rate
from tests.support.plain_node import to_plain

NOW = 1_767_225_600
#: What a group message of a few words weighs.
GROUP_MESSAGE_BYTES = 439
DEVICES = 200


def rows(stack: ExitStack) -> list[Row]:
    baileys = NodePeer("Baileys' codec under node", "codec.mjs", stack)
    found: list[Row] = []
    for name, node in samples(random.Random(7)).items():
        data = encode(node)
        found += [
            Row(f"codec/decode/{name}", "nodes/s", rate(partial(decode, data)), baileys,
                baileys.rate("decode", data.hex())),
            Row(f"codec/encode/{name}", "nodes/s", rate(partial(encode, node)), baileys,
                baileys.rate("encode", to_plain(node))),
        ]  # fmt: skip
    meeting = Meeting()
    return [
        *found,
        Row("noise/handshake/client", "handshakes/s", rate(meeting.client), baileys,
            baileys.rate("handshake", meeting.facts())),
        Row("noise/handshake/xx", "handshakes/s", handshake(resume=False)),
        Row("noise/handshake/ik", "handshakes/s", handshake(resume=True)),
    ]  # fmt: skip


class Meeting:
    """One handshake with keys that are given, so that two clients can walk through the same one."""

    def __init__(self) -> None:
        chance = random.Random(9)
        self.root, self.static, self.ephemeral, server = (generate(chance.randbytes) for _ in range(4))
        self.payload = chance.randbytes(200)
        chain = issue_chain(
            self.root.private,
            server.public,
            not_before=NOW - 60,
            not_after=NOW + 60,
            entropy=chance.randbytes,
        )
        client = self._client()
        self.answer = ServerHandshake(server, chain, chance.randbytes).respond(client.hello(self.payload))

    def client(self) -> bytes:
        """All that a client does; its last message."""
        ours = self._client()
        ours.hello(self.payload)
        finish, _ = ours.finish(self.answer, self.payload, NOW)
        assert finish is not None
        return finish

    def facts(self) -> dict[str, Any]:
        """The same for a peer."""
        return {
            "ephemeral": _hexed(self.ephemeral),
            "static": _hexed(self.static),
            "answer": self.answer.hex(),
            "payload": self.payload.hex(),
        }

    def _client(self) -> ClientHandshake:
        return ClientHandshake(self.static, self.root.public, lambda _: self.ephemeral.private)


def _hexed(pair: KeyPair) -> dict[str, str]:
    return {"private": pair.private.hex(), "public": pair.public.hex()}


def samples(chance: random.Random) -> dict[str, Node]:
    """The three stanzas that a busy account sees most."""
    person = Jid("100000000000011", LID, 7)
    group = Jid("120363000000000099", GROUP)
    message = Node(
        "message",
        {
            "from": group,
            "type": "text",
            "id": "3EB0C767D7A0B9A1B2C3D4",
            "participant": person,
            "addressing_mode": "lid",
            "notify": "Ada Lovelace",
            "t": "1767225600",
        },
        [
            Node("enc", {"v": "2", "type": "skmsg"}, b""),
        ],
    )
    missing = GROUP_MESSAGE_BYTES - len(encode(message))
    # Content above 255 bytes has two length bytes more.
    message = Node(
        "message", message.attrs, [Node("enc", {"v": "2", "type": "skmsg"}, chance.randbytes(missing - 2))]
    )
    receipt = Node(
        "receipt",
        {"from": person.bare, "id": "3EB0C767D7A0B9A1B2C3D4", "type": "read", "t": "1767225600"},
    )
    devices = [
        Node(
            "to",
            {"jid": Jid(str(100000000000000 + chance.randrange(10**14)), LID, chance.randrange(30))},
            [Node("enc", {"v": "2", "type": "msg"}, chance.randbytes(180))],
        )
        for _ in range(DEVICES)
    ]
    sent = Node(
        "message",
        {
            "id": "3EB0C767D7A0B9A1B2C3D4",
            "to": group,
            "type": "text",
            "phash": "2:abcdefgh",
            "addressing_mode": "lid",
        },
        [Node("participants", {}, devices), Node("enc", {"v": "2", "type": "skmsg"}, chance.randbytes(180))],
    )
    return {"group-message": message, "receipt": receipt, "200-devices": sent}


def handshake(*, resume: bool) -> Callable[[], float]:
    """Both ends of a connection's beginning, up to the two ciphers."""
    chance = random.Random(8)
    entropy = chance.randbytes
    root, server, client = generate(entropy), generate(entropy), generate(entropy)
    chain = issue_chain(root.private, server.public, not_before=NOW - 60, not_after=NOW + 60, entropy=entropy)
    payload = chance.randbytes(200)
    stored = chain if resume else b""

    def once() -> None:
        ours = ClientHandshake(client, root.public, entropy, server_chain=stored)
        other = ServerHandshake(server, chain, entropy)
        finish, _ = ours.finish(other.respond(ours.hello(payload)), payload, NOW)
        if finish is not None:
            other.accept(finish)

    return rate(once)

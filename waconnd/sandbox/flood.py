"""Flood mode: messages are encrypted and encoded before the clock starts, so that only delivery is measured."""

from __future__ import annotations

import asyncio
import time
from typing import Final

import msgspec

from protocol.node import Attr, Node
from protocol.pb.e2e_pb2 import Message
from protocol.stanza.message import Facts
from protocol.wire.codec import encode
from waconnd.sandbox.sandbox import Sandbox
from waconnd.sandbox.state import Device, Queued, QueueKey

#: Stanzas handed over between two looks at the connections: small enough that answers are read meanwhile.
SLICE: Final = 100
#: Answers that may be owed before the flood waits: the window of a link under load.
WINDOW: Final = 2000
#: A client that answers nothing for so long is given up.
STALL_SECONDS: Final = 30.0


class Told(msgspec.Struct, frozen=True):
    """What a flood took."""

    messages: int
    seconds: float
    cpu: float

    @property
    def per_second(self) -> float:
        """Messages delivered and answered a second."""
        return self.messages / self.seconds if self.seconds else 0.0

    @property
    def cpu_share(self) -> float:
        """The sandbox' own part of one core."""
        return self.cpu / self.seconds if self.seconds else 0.0


class Shot(msgspec.Struct, frozen=True):
    """One message, ready to leave."""

    device: Device
    key: QueueKey
    node: Node
    data: bytes


def prepare(
    sandbox: Sandbox, name: str, count: int, *, senders: int, size: int, crowd: str = "flood"
) -> list[Shot]:
    """Encrypt `count` messages from `senders` people for the linked devices of one person; another crowd, other people."""
    target = sandbox.person(name).account
    devices = list(target.companions())
    if not devices:
        raise ValueError(f"{name} has no linked device to flood")
    people = [sandbox.person(f"{crowd} {n}") for n in range(senders)]
    text = "x" * size
    shots: list[Shot] = []
    while len(shots) < count:
        person = people[len(shots) // len(devices) % senders]
        message = Message(conversation=text)
        message.messageContextInfo.messageSecret = person.phone.random(32)
        plain = message.SerializeToString()
        id = person.phone.new_id()
        sealed = person.phone.cipher.seal([(device, plain) for device in devices], Facts())
        for device, enc in zip(devices, sealed, strict=True):
            attrs: dict[str, Attr] = {
                "from": person.account.lid,
                "id": id,
                "type": "text",
                "t": sandbox.world.seconds,
                "notify": person.name,
                "sender_pn": person.account.pn,
            }
            node = Node("message", attrs, [enc])
            shots.append(Shot(device, QueueKey("message", id), node, encode(node)))
    return shots[:count]


async def flood(sandbox: Sandbox, name: str, count: int, *, senders: int = 20, size: int = 40) -> Told:
    """Deliver prepared messages and wait until the last is answered."""
    shots = prepare(sandbox, name, count, senders=senders, size=size)
    return await deliver(sandbox, shots)


async def deliver(sandbox: Sandbox, shots: list[Shot]) -> Told:
    """Hand prepared messages over, in slices, never more than a window ahead of the answers."""
    devices = list({id(shot.device): shot.device for shot in shots}.values())
    # What was owed before is none of the flood's.
    before = sum(len(device.queue) for device in devices)
    started, cpu = time.perf_counter(), time.process_time()
    last, owed_then = started, -1
    place = 0
    while True:
        owed = sum(len(device.queue) for device in devices) - before
        if place >= len(shots) and owed <= 0:
            break
        now = time.perf_counter()
        if owed != owed_then:
            last, owed_then = now, owed
        elif now - last > STALL_SECONDS:
            raise TimeoutError(f"{owed} messages were not answered for {STALL_SECONDS:g} s")
        if place < len(shots) and owed < WINDOW:
            for shot in shots[place : place + SLICE]:
                shoot(sandbox, shot)
            place += SLICE
            sandbox.listener.flush()
            await asyncio.sleep(0)
        else:
            await asyncio.sleep(0.001)
    return Told(len(shots), time.perf_counter() - started, time.process_time() - cpu)


def shoot(sandbox: Sandbox, shot: Shot) -> None:
    """Hand one message over; it leaves with the next flush."""
    device, link = shot.device, shot.device.link
    sent = link is not None and link.active and not link.catching_up
    device.queue[shot.key] = Queued(shot.node, sent=sent)
    if sent and link is not None:
        sandbox.world.emit_encoded(link, shot.data)

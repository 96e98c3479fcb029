"""The flight recorder: everything that passed, nothing that was said, and it can be flown again."""

from itertools import count

import msgspec

from protocol.jid import Jid
from protocol.node import Node
from protocol.wire.codec import encode
from tests.support.daemons import Rig
from waconnd.frames import Recorder, redacted, stanza
from waconnd.sandbox.control.trouble import OF_ONE_CONNECTION

CANARY = "the canary sings at midnight"


def test_what_is_not_known_to_be_harmless_is_replaced():
    node = Node(
        "iq",
        {"from": Jid("15550001111", "s.whatsapp.net", 3), "type": "result", "id": "SECRET-ID", "code": "AbC9inviteXYZ"},
        [
            Node("media_conn", {"auth": "token-of-ours", "ttl": "3600"}, b"\x01\x02\x03"),
            Node("note", {"to": Jid("status", "broadcast")}, "four"),
        ],
    )  # fmt: skip
    shown = redacted(node, at=1.0, way="in", salt=b"s" * 16)
    text = msgspec.json.encode(shown).decode()
    for secret in ("15550001111", "SECRET-ID", "AbC9inviteXYZ", "token-of-ours", "four"):
        assert secret not in text
    tag, attrs, content = shown.node
    assert (tag, attrs["type"]) == ("iq", "result")
    assert attrs["from"].endswith(":3@s.whatsapp.net")
    assert content[0][1]["ttl"] == "3600"
    assert (content[0][2], content[1][2]) == ({"bytes": 3}, {"text": 4})
    assert content[1][1]["to"] == "status@broadcast"
    again = stanza(shown.node)
    assert again.children[0].content == bytes(3)
    assert isinstance(again.attrs["from"], Jid)
    other = redacted(node, at=1.0, way="in", salt=b"t" * 16)
    assert other.node[1]["id"] != attrs["id"], "two recordings can't be compared"


def test_the_ring_is_bounded_and_holds_the_newest():
    clock = count()
    recorder = Recorder(lambda: float(next(clock)), limit=1000)
    for number in range(100):
        recorder("in" if number % 2 else "out", encode(Node("iq", {"id": str(number)})))
        assert len(recorder) <= 1000
    shown = recorder.show(b"s")
    assert 20 < len(shown) < 100
    assert [one.at for one in shown] == [float(number) for number in range(100 - len(shown), 100)]
    assert [one.way for one in shown[-2:]] == ["out", "in"]
    held = len(recorder)
    recorder("in", bytes(501))
    assert len(recorder) == held, "what would push out the rest is left out"


def test_what_is_no_stanza_is_left_out():
    recorder = Recorder(lambda: 5.0, limit=1000)
    for _ in range(100):
        recorder("in", b"\x00" * 99)
    assert 700 < len(recorder) <= 1000
    assert recorder.show(b"s") == []


async def test_a_daemon_records_and_a_sandbox_plays_it_again(tmp_path):
    async with Rig(tmp_path) as rig:
        rig.sandbox.say("ann", "me", CANARY)
        await rig.event("message.received", lambda data: data["body"]["text"] == CANARY)
        await rig.client.message.send(to=rig.number("ann"), text=CANARY)
        await rig.sandbox.expect("ann", text=CANARY)
        told = await rig.client.call("account.frames", account="main")
        text = msgspec.json.encode(told).decode()
        people = [person.account for person in rig.sandbox.people.values()]
        numbers = [word for one in people for word in (one.user, one.lid.user)]
        for secret in (CANARY, "canary", *numbers, *(f'"{one.name}"' for one in people)):
            assert secret not in text
        ways = [(frame["way"], frame["node"][0]) for frame in told["frames"]]
        assert ("in", "message") in ways
        assert ("out", "message") in ways
        assert ("in", "success") in ways
        # Whoever wrote is the same wherever he stands.
        senders = {
            frame["node"][1]["from"]
            for frame in told["frames"]
            if frame["node"][0] == "message" and frame["way"] == "in"
        }
        assert any("@lid" in sender for sender in senders)

        # A client meets all of it again: nothing opens, nothing is invented, and it lives on.
        before = len(await rig.events("message.received"))
        link = rig.person("me").account.devices[1].link
        for frame in told["frames"]:
            if frame["way"] == "in" and frame["node"][0] not in OF_ONE_CONNECTION:
                rig.sandbox.world.emit(link, stanza(frame["node"]))
        rig.sandbox.pump()
        rig.sandbox.say("ann", "me", "after the replay")
        await rig.event("message.received", lambda data: data["body"]["text"] == "after the replay")
        assert len(await rig.events("message.received")) == before + 1
        assert (await rig.client.account.get(account="main"))["state"] == "ready"

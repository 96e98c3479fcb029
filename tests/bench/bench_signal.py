"""Sessions and sender keys beside libsignal-node (what Baileys uses) and the official library.

Each call works on the same stored records and drops what it changed, on all sides: load, work, save, again. The
records of libsignal-node stay decoded in its memory; ours, and the official library's, are bytes.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from time import perf_counter
from tracemalloc import get_traced_memory, start, stop
from typing import Any

from protocol.crypto.curve import DJB, KeyPair
from protocol.keystore import Changes, Keystore
from protocol.signal import groups, session
from protocol.signal.foreign import baileys, whatsmeow
from protocol.signal.records import PRE_KEYS, SENDER_KEYS, SESSIONS, sender_key_id
from tests.bench.harness import NodePeer, Row, rate
from tests.signal.people import Device, Letter
from tests.signal.support import Disk

DEVICES = 2000
#: What the memory and open rows hold.
MANY = 20_000
TEXT = bytes(range(200))
ANN, BEN, GROUP = "100000000000001_1.0", "100000000000002_1.3", "120363000000000001@g.us"


@dataclass
class Moment:
    """A device's store as it stood, and what it is about to read or write."""

    device: Device
    records: Changes
    letter: Letter | None = None

    def store(self) -> Keystore:
        disk = Disk()
        disk.records = {key: value for key, value in self.records.items() if value is not None}
        return Keystore(disk)

    def read(self, other: Letter | None = None) -> Callable[[], bytes]:
        store, letter, me = self.store(), other or self.letter, self.device.me
        assert letter
        return lambda: (
            session.decrypt(store.txn(), letter.writer, letter.type, letter.data, me=me, now=0.0).plaintext
        )

    def write(self, to: Sequence[str]) -> Callable[[], bytes]:
        store, me = self.store(), self.device.me

        def fan_out() -> bytes:
            txn = store.txn()
            for address in to:
                data = session.encrypt(txn, address, TEXT, me=me).data
            return data

        return fan_out


def rows(stack: ExitStack) -> list[Row]:
    node = NodePeer("libsignal-node", "signal.mjs", stack)
    rust = NodePeer("the official library", "official.mjs", stack)
    found = []
    for moment in ("same-chain", "ratchet", "pkmsg"):
        # Prekey messages of version 3 are refused by the official library.
        peers = (node, rust) if moment != "pkmsg" else (node,)
        found += [reading(moment, peer, official=peer is rust) for peer in peers]
    for peer in (node, rust):
        found.append(writing("encrypt/same-chain", [BEN], peer, official=peer is rust))
        found.append(writing(f"fan-out/{DEVICES}", addresses(), peer, official=peer is rust))
        found += group_rows(peer, official=peer is rust)
    return [*found, opening(node), memory_row(), open_row()]


def reading(name: str, peer: NodePeer, *, official: bool) -> Row:
    def theirs() -> float:
        moment = moments()[name]
        assert moment.letter
        input = facts(moment, [ANN], official=official) | {
            "from": ANN,
            "type": moment.letter.type,
            "data": text(moment.letter.data),
        }
        assert peer.result("decrypt", input) == text(TEXT)
        return peer.rate("decrypt", input)()

    return Row(
        f"signal/decrypt/{name}{'/official' if official else ''}",
        "messages/s",
        lambda: rate(moments()[name].read())(),
        peer,
        theirs,
    )


def writing(name: str, to: Sequence[str], peer: NodePeer, *, official: bool) -> Row:
    def ours() -> float:
        return len(to) * rate(moments()["writer"].write(to))()

    def theirs() -> float:
        moment = moments()["writer"]
        input = facts(moment, to, official=official) | {"to": to, "plaintext": text(TEXT)}
        # The official library writes a field more, which our reader skips.
        data = b64decode(peer.result("encrypt", input))
        assert official or data == moment.write(to)()
        if to[-1] == BEN:
            opened = moments()["same-chain"].read(Letter(ANN, BEN, TEXT, "msg", data))
            assert opened() == TEXT
        return len(to) * peer.rate("encrypt", input)()

    rounds = 5 if len(to) == 1 else 3
    return Row(
        f"signal/{name}{'/official' if official else ''}", "messages/s", ours, peer, theirs, rounds=rounds
    )


def group_rows(peer: NodePeer, *, official: bool) -> list[Row]:
    suffix = "/official" if official else ""

    def seal() -> Callable[[], bytes]:
        store, me = group_moment()[0].store(), group_moment()[0].device.me
        return lambda: groups.encrypt(store.txn(), GROUP, ANN, TEXT, entropy=me.entropy)

    def unseal() -> Callable[[], bytes]:
        store, data = group_moment()[1].store(), group_moment()[2]
        return lambda: groups.decrypt(store.txn(), GROUP, ANN, data)

    def input(reader: int) -> dict[str, Any]:
        record = SENDER_KEYS.get(group_moment()[reader].store(), sender_key_id(GROUP, ANN))
        assert record
        return {
            "group": GROUP,
            "record": baileys.export_sender_key(record),
            "data": text(group_moment()[2]),
            "plaintext": text(TEXT),
        }

    def their_decrypt() -> float:
        assert peer.result("groupDecrypt", input(1)) == text(TEXT)
        return peer.rate("groupDecrypt", input(1))()

    return [
        Row(f"signal/group/encrypt{suffix}", "messages/s", lambda: rate(seal())(), peer,
            lambda: peer.rate("groupEncrypt", input(0))()),
        Row(f"signal/group/decrypt{suffix}", "messages/s", lambda: rate(unseal())(), peer, their_decrypt),
    ]  # fmt: skip


def opening(peer: NodePeer) -> Row:
    """The peer does not verify the signature of a bundle, and still is behind."""

    def ours() -> float:
        moment = moments()["pkmsg"]
        store, me = moment.store(), moment.device.me

        def open_all() -> None:
            txn = store.txn()
            for address, bundle in bundles().items():
                session.open_session(txn, address, bundle, me=me, now=0.0)

        return DEVICES * rate(open_all)()

    def theirs() -> float:
        input = facts(moments()["pkmsg"], [], official=False) | {
            "bundles": {
                address: {
                    "registrationId": b.registration_id,
                    "identity": text(DJB + b.identity),
                    "signedPreKeyId": b.signed_pre_key_id,
                    "signedPreKey": text(DJB + b.signed_pre_key),
                    "signature": text(b.signature),
                    "preKeyId": b.pre_key_id,
                    "preKey": text(DJB + (b.pre_key or b"")),
                }
                for address, b in bundles().items()
            }
        }
        return DEVICES * peer.rate("open", input)()

    return Row(f"signal/open/{DEVICES}-bundles", "sessions/s", ours, peer, theirs, rounds=2)


def memory_row() -> Row:
    def ours() -> float:
        start()
        kept = fill(MANY)
        used, _ = get_traced_memory()
        stop()
        assert len(kept) == MANY
        return used / 2**20

    return Row(f"signal/memory/{MANY}-sessions", "MiB", ours, better="lower", rounds=1)


def open_row() -> Row:
    """All of it read and decoded once, which nobody needs: a session is decoded when it is used."""

    def ours() -> float:
        moment = Moment(Device(ANN, 1), fill(MANY))
        begin = perf_counter()
        store = moment.store()
        for address in store.ids(SESSIONS.kind):
            assert SESSIONS.get(store, address)
        return perf_counter() - begin

    return Row(f"signal/decode/{MANY}-sessions", "s", ours, better="lower", rounds=1)


# The transcript


@cache
def moments() -> dict[str, Moment]:
    ann, ben = Device(ANN, 1), Device(BEN, 2)
    ann.open(ben)
    first = ann.write(ben, TEXT)
    found = {"pkmsg": Moment(ben, dict(ben.store.snapshot()), first)}
    ben.read(first)
    ann.read(ben.write(ann, TEXT))
    turned = ann.write(ben, TEXT)
    found["ratchet"] = Moment(ben, dict(ben.store.snapshot()), turned)
    ben.read(turned)
    found["same-chain"] = Moment(ben, dict(ben.store.snapshot()), ann.write(ben, TEXT))
    # One live session under many names: what it costs is the same.
    raw = ann.store.disk.records[SESSIONS.kind, BEN]
    found["writer"] = Moment(ann, {(SESSIONS.kind, address): raw for address in (BEN, *addresses())})
    return found


@cache
def group_moment() -> tuple[Moment, Moment, bytes]:
    ann, ben = Device(ANN, 1), Device(BEN, 2)
    txn = ann.store.txn()
    skdm = groups.distribution(txn, GROUP, ANN, entropy=ann.me.entropy)
    ann.store.keep(txn)
    txn = ben.store.txn()
    groups.process_distribution(txn, GROUP, ANN, skdm)
    ben.store.keep(txn)
    data = groups.encrypt(ann.store.txn(), GROUP, ANN, TEXT, entropy=ann.me.entropy)
    return Moment(ann, dict(ann.store.snapshot())), Moment(ben, dict(ben.store.snapshot())), data


@cache
def addresses() -> tuple[str, ...]:
    return tuple(f"{200_000_000_000_000 + n}_1.0" for n in range(DEVICES))


@cache
def bundles() -> dict[str, session.Bundle]:
    return {address: Device(address, n).bundle() for n, address in enumerate(addresses())}


def fill(count: int) -> Changes:
    raw = moments()["same-chain"].records[SESSIONS.kind, ANN]
    assert raw
    # A copy for each: bytes() would share them.
    return {(SESSIONS.kind, f"{3 * 10**14 + n}_1.0"): bytes(bytearray(raw)) for n in range(count)}


def facts(moment: Moment, names: Sequence[str], *, official: bool) -> dict[str, Any]:
    """A device's keys and sessions in the peer's form."""
    store, sessions = moment.store(), {}
    for name in names:
        record = SESSIONS.get(store, name)
        if record:
            sessions[name] = (
                text(whatsmeow.export_session(record)) if official else baileys.export_session(record, 1.0)
            )
    pre_keys = {
        id: pair_text(KeyPair(key.private, key.public))
        for id in PRE_KEYS.ids(store)
        if (key := PRE_KEYS.get(store, id))
    }
    return {
        "identity": pair_text(moment.device.identity),
        "registrationId": moment.device.me.registration_id,
        "signedPreKey": pair_text(moment.device.signed.pair),
        "preKeys": pre_keys,
        "sessions": sessions,
    }


def pair_text(pair: KeyPair) -> dict[str, str]:
    return {"private": text(pair.private), "public": text(pair.tagged)}


def text(data: bytes) -> str:
    return b64encode(data).decode()

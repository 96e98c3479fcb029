"""Sender keys: limits, announcements, rotation, damage, and everything that a network does to them."""

import random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from protocol.keystore import Kind
from protocol.signal import errors, groups
from protocol.signal.chains import MAX_JUMP
from protocol.signal.envelope import (
    read_distribution,
    read_group_message,
    write_distribution,
    write_group_message,
)
from protocol.signal.records import MAX_SENDER_STATES, MAX_SKIPPED, QUARANTINE, SENDER_KEYS, sender_key_id
from tests.signal.support import Memory

GROUP = "120363000000000001@g.us"
WRITER = "100000000000001_1.4"
ID = sender_key_id(GROUP, WRITER)
chance = random.Random(3).randbytes


class Member:
    """A store, and the writer's name."""

    def __init__(self) -> None:
        self.store = Memory()

    def announce(self) -> bytes:
        txn = self.store.txn()
        skdm = groups.distribution(txn, GROUP, WRITER, entropy=chance)
        self.store.keep(txn)
        return skdm

    def write(self, text: bytes) -> bytes:
        txn = self.store.txn()
        data = groups.encrypt(txn, GROUP, WRITER, text, entropy=chance)
        self.store.keep(txn)
        return data

    def rotate(self) -> None:
        txn = self.store.txn()
        groups.rotate(txn, GROUP, WRITER)
        self.store.keep(txn)

    def learn(self, skdm: bytes) -> None:
        txn = self.store.txn()
        groups.process_distribution(txn, GROUP, WRITER, skdm)
        self.store.keep(txn)

    def read(self, data: bytes) -> bytes:
        txn = self.store.txn()
        try:
            text = groups.decrypt(txn, GROUP, WRITER, data)
        except Exception:
            assert not txn.changes
            raise
        self.store.keep(txn)
        return text

    def put(self, raw: bytes) -> None:
        txn = self.store.txn()
        txn.put(Kind.SENDER_KEY, ID, raw)
        self.store.keep(txn)


@pytest.fixture
def writer() -> Member:
    return Member()


@pytest.fixture
def reader() -> Member:
    return Member()


def test_who_comes_late_reads_from_there_on(writer: Member, reader: Member) -> None:
    with pytest.raises(errors.NoSenderKey):
        writer.write(b"no key yet")
    first = writer.announce()
    before = writer.write(b"before")
    skdm = writer.announce()
    assert read_distribution(skdm).iteration == 1
    assert read_distribution(skdm).id == read_distribution(first).id
    reader.learn(skdm)
    with pytest.raises(errors.NoSenderKey):
        reader.read(before)
    assert reader.read(writer.write(b"after")) == b"after"


def test_limits(writer: Member, reader: Member) -> None:
    reader.learn(writer.announce())
    data = [writer.write(b"%d" % n) for n in range(MAX_JUMP + 2)]
    with pytest.raises(errors.TooFarAhead):
        reader.read(data[-1])
    assert reader.read(data[-2]) == b"%d" % MAX_JUMP
    assert reader.read(data[0]) == b"0"
    record = SENDER_KEYS.get(reader.store.keystore, ID)
    assert record
    assert len(record.states[0].skipped) == MAX_SKIPPED - 1


def test_announced_again(writer: Member, reader: Member) -> None:
    """The same key: what was skipped is still there. Far ahead: the announcement wins. Another signer: it is new."""
    reader.learn(writer.announce())
    data = [writer.write(b"%d" % n) for n in range(3)]
    reader.read(data[2])
    reader.learn(writer.announce())
    assert reader.read(data[0]) == b"0"
    for _ in range(MAX_JUMP + 1):
        writer.write(b"lost")
    reader.learn(writer.announce())
    assert reader.read(writer.write(b"far ahead")) == b"far ahead"
    told = read_distribution(writer.announce())
    other = write_distribution(told.id, 0, bytes(32), bytes(31) + b"\x01")
    reader.learn(other)
    with pytest.raises(errors.BadSignature):
        reader.read(writer.write(b"x"))
    record = SENDER_KEYS.get(reader.store.keystore, ID)
    assert record
    assert len(record.states) == 1


def test_rotation_and_the_newest_five(writer: Member, reader: Member) -> None:
    late = []
    for turn in range(MAX_SENDER_STATES + 1):
        reader.learn(writer.announce())
        late.append(writer.write(b"%d" % turn))
        writer.rotate()
    with pytest.raises(errors.UnknownKeyId):
        reader.read(late[0])
    for turn, data in enumerate(late[1:], 1):
        assert reader.read(data) == b"%d" % turn


def test_only_the_writer_signs(writer: Member, reader: Member) -> None:
    reader.learn(writer.announce())
    message = read_group_message(writer.write(b"genuine"))
    with pytest.raises(errors.BadSignature):
        reader.read(message.signed + bytes(64))
    ahead = write_group_message(message.id, 10**6, message.ciphertext)
    with pytest.raises(errors.BadSignature):
        reader.read(ahead + message.signature)


def test_a_signed_message_that_does_not_open(writer: Member, reader: Member) -> None:
    from protocol.crypto.xeddsa import sign

    reader.learn(writer.announce())
    record = SENDER_KEYS.get(writer.store.keystore, ID)
    assert record
    assert record.states[0].private
    signed = write_group_message(record.states[0].id, 0, bytes(16))
    with pytest.raises(errors.InvalidMessage):
        reader.read(signed + sign(record.states[0].private, signed, chance))


@pytest.mark.parametrize(
    "junk", [b"", b"\x33", b"\x23" + bytes(90), b"\x33" + b"\xff" * 90, b"\x33" + bytes(64) + b"\x08"]
)
def test_junk(reader: Member, junk: bytes) -> None:
    with pytest.raises(errors.SignalError):
        reader.read(junk)
    with pytest.raises(errors.SignalError):
        reader.learn(junk)


@pytest.mark.parametrize(
    "skdm",
    [
        write_distribution(1, 0, bytes(31), bytes(32)),
        write_distribution(1, 0, bytes(32), bytes(30)),
    ],
)
def test_keys_of_a_wrong_length(reader: Member, skdm: bytes) -> None:
    with pytest.raises(errors.InvalidKey):
        reader.learn(skdm)


def test_damage(writer: Member, reader: Member) -> None:
    skdm, data = writer.announce(), writer.write(b"text")
    reader.put(b"junk")
    with pytest.raises(errors.SenderKeyDamaged) as caught:
        reader.read(data)
    assert caught.value.damage.id == ID
    reader.learn(skdm)
    assert reader.read(data) == b"text"
    assert len(list(QUARANTINE.ids(reader.store.keystore))) == 1
    writer.put(b"{}{")
    with pytest.raises(errors.NoSenderKey):
        writer.write(b"x")
    writer.announce()
    writer.write(b"x")


class Group(RuleBasedStateMachine):
    """One writer, two readers; announcements and messages come in any order, twice, or never."""

    def __init__(self) -> None:
        super().__init__()
        self.writer, self.readers = Member(), [Member(), Member()]
        self.announced: list[bytes] = []
        self.written: list[tuple[bytes, bytes]] = []
        #: For each reader: key id -> the first index it can read; and what it has read.
        self.keys: list[dict[int, int]] = [{}, {}]
        self.done: list[set[bytes]] = [set(), set()]

    place = st.integers(0, 10**6)
    reader = st.integers(0, 1)

    @rule()
    def announce(self) -> None:
        self.announced.append(self.writer.announce())

    @precondition(lambda self: self.announced)
    @rule(count=st.integers(1, 5))
    def write(self, count: int) -> None:
        self.announced.append(self.writer.announce())
        for _ in range(count):
            text = b"%d" % len(self.written)
            self.written.append((self.writer.write(text), text))

    @precondition(lambda self: len(self.announced) < 4)
    @rule()
    def rotate(self) -> None:
        self.writer.rotate()

    @precondition(lambda self: self.announced)
    @rule(reader=reader, place=place)
    def learn(self, reader: int, place: int) -> None:
        skdm = self.announced[place % len(self.announced)]
        told = read_distribution(skdm)
        self.readers[reader].learn(skdm)
        # Known already: the old state stays, and reaches back when this announcement was overtaken by a later one.
        first = self.keys[reader].get(told.id, told.iteration)
        self.keys[reader][told.id] = min(first, told.iteration)

    @precondition(lambda self: self.written)
    @rule(reader=reader, place=place)
    def read(self, reader: int, place: int) -> None:
        data, text = self.written[place % len(self.written)]
        message = read_group_message(data)
        keys = self.keys[reader]
        if not keys:
            expected: type[errors.SignalError] | None = errors.NoSenderKey
        elif message.id not in keys:
            expected = errors.UnknownKeyId
        elif message.iteration < keys[message.id]:
            expected = errors.NoSenderKey
        elif data in self.done[reader]:
            expected = errors.Duplicate
        else:
            expected = None
        if expected is None:
            assert self.readers[reader].read(data) == text
            self.done[reader].add(data)
        else:
            with pytest.raises(expected):
                self.readers[reader].read(data)

    @precondition(lambda self: self.written)
    @rule(reader=reader, place=place, where=place, bit=st.integers(0, 7))
    def forge(self, reader: int, place: int, where: int, bit: int) -> None:
        data = bytearray(self.written[place % len(self.written)][0])
        data[where % len(data)] ^= 1 << bit
        # The low nibble of the version is signed too; no byte is free.
        with pytest.raises(errors.SignalError):
            self.readers[reader].read(bytes(data))

    @rule(reader=reader)
    def die(self, reader: int) -> None:
        self.readers[reader].store.restart()
        self.writer.store.restart()


Group.TestCase.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)
TestGroup = Group.TestCase


def test_reaching_back_keeps_the_limit(writer: Member, reader: Member) -> None:
    early = writer.announce()
    data = [writer.write(b"%d" % n) for n in range(MAX_JUMP)]
    reader.learn(writer.announce())
    more = [writer.write(b"more %d" % n) for n in range(MAX_JUMP)]
    reader.read(more[-1])
    reader.learn(early)
    record = SENDER_KEYS.get(reader.store.keystore, ID)
    assert record
    assert len(record.states[0].skipped) == MAX_SKIPPED
    # The oldest are dropped; what is left still opens, once.
    assert reader.read(more[0]) == b"more 0"
    with pytest.raises(errors.Duplicate):
        reader.read(data[0])

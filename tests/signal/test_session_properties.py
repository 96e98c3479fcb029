"""Whatever happens on the way: what arrives within the limits is read once, all else is the right error."""

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from protocol.signal import errors
from protocol.signal.envelope import read_message, read_pre_key_message
from protocol.signal.records import (
    MAX_ARCHIVED,
    MAX_CHAINS,
    MAX_SKIPPED,
    SESSIONS,
    State,
)
from tests.signal.people import Device, Letter

NAMES = ("15550000001.0", "100000000000002_1.7", "15550000003_128.99")


def states_of(reader: Device, writer: str) -> list[State]:
    record = SESSIONS.get(reader.store.keystore, writer)
    if record is None:
        return []
    current = [record.current] if record.current else []
    return current + [msgspec.json.decode(raw, type=State) for raw in record.archived]


class Talk(RuleBasedStateMachine):
    """Three devices; the network may lose, repeat, delay, reorder, and each process may die at any point."""

    def __init__(self) -> None:
        super().__init__()
        self.people = {name: Device(name, seed) for seed, name in enumerate(NAMES)}
        self.under_way: list[Letter] = []
        self.read: list[Letter] = []
        self.written = 0
        #: (reader, ratchet key) that were once received on: when such a chain is gone, it was the sixth oldest.
        self.known: set[tuple[str, bytes]] = set()

    who = st.sampled_from(NAMES)
    place = st.integers(0, 10**6)

    @rule(writer=who, reader=who, count=st.integers(1, 4))
    def write(self, writer: str, reader: str, count: int) -> None:
        if writer == reader:
            return
        for _ in range(count):
            self.written += 1
            text = f"{self.written} from {writer}".encode()
            self.under_way.append(self.people[writer].write(self.people[reader], text))

    @rule(writer=who, reader=who, one_time=st.booleans())
    def start_again(self, writer: str, reader: str, one_time: bool) -> None:
        if writer != reader:
            self.people[writer].open(self.people[reader], one_time=one_time)

    @precondition(lambda self: self.under_way)
    @rule(place=place, in_order=st.booleans())
    def deliver(self, place: int, in_order: bool) -> None:
        letter = self.under_way.pop(0 if in_order else place % len(self.under_way))
        reader = self.people[letter.reader]
        ratchet = inner(letter).ratchet
        lost = (letter.reader, ratchet) in self.known and not any(
            chain.ratchet == ratchet
            for state in states_of(reader, letter.writer)
            for chain in state.receiving
        )
        if lost:
            with pytest.raises(errors.SignalError):
                reader.read(letter)
            return
        opened = reader.read(letter)
        assert opened.plaintext == letter.text
        self.known.add((letter.reader, ratchet))
        self.read.append(letter)

    @precondition(lambda self: self.under_way)
    @rule(place=place)
    def lose(self, place: int) -> None:
        del self.under_way[place % len(self.under_way)]

    @precondition(lambda self: self.read)
    @rule(place=place)
    def repeat(self, place: int) -> None:
        letter = self.read[place % len(self.read)]
        reader = self.people[letter.reader]
        held = any(
            chain.ratchet == inner(letter).ratchet
            for state in states_of(reader, letter.writer)
            for chain in state.receiving
        )
        with pytest.raises(errors.Duplicate if held else errors.SignalError):
            reader.read(letter)

    @precondition(lambda self: self.under_way)
    @rule(place=place, bit=st.integers(0, 63))
    def forge(self, place: int, bit: int) -> None:
        letter = self.under_way[place % len(self.under_way)]
        # In the MAC of the SignalMessage, which a pkmsg carries inside.
        end = letter.data.rindex(inner(letter).mac) + 8
        data = bytearray(letter.data)
        data[end - 1 - bit // 8] ^= 1 << bit % 8
        with pytest.raises(errors.SignalError) as caught:
            self.people[letter.reader].read(
                Letter(letter.writer, letter.reader, letter.text, letter.type, bytes(data))
            )
        assert not isinstance(caught.value, errors.Duplicate)

    @rule(name=who)
    def die(self, name: str) -> None:
        self.people[name].store.restart()

    @invariant()
    def bounded(self) -> None:
        for person in self.people.values():
            for other in NAMES:
                states = states_of(person, other)
                assert len(states) <= 1 + MAX_ARCHIVED
                for state in states:
                    assert len(state.receiving) <= MAX_CHAINS
                    assert all(len(chain.skipped) <= MAX_SKIPPED for chain in state.receiving)


def inner(letter: Letter):
    if letter.type == "msg":
        return read_message(letter.data)
    return read_pre_key_message(letter.data).message


Talk.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestTalk = Talk.TestCase

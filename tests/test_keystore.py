"""Transactions, the overlay of what is not durable yet, and typed records."""

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import LocalProtocolError, RecordDamaged, StaleTxn
from protocol.events.base import Event
from protocol.keystore import Keystore, Table


class Memory:
    def __init__(self, **records: bytes) -> None:
        self.held = {("test", id): value for id, value in records.items()}

    def get(self, kind: str, id: str) -> bytes | None:
        return self.held.get((kind, id))

    def ids(self, kind: str) -> Iterable[str]:
        return [id for k, id in self.held if k == kind]

    def write(self, store: Keystore) -> None:
        """Make everything staged durable, as a host does."""
        for save in store.take_saves():
            for key, value in save.changes.items():
                if value is None:
                    self.held.pop(key, None)
                else:
                    self.held[key] = value
            store.committed(save.number)


def stage(store: Keystore, **changes: bytes | None) -> int:
    txn = store.txn()
    for id, value in changes.items():
        if value is None:
            txn.delete("test", id)
        else:
            txn.put("test", id, value)
    return store.stage(txn)


def test_a_transaction_sees_itself_and_nobody_else_sees_it() -> None:
    store = Keystore(Memory(a=b"1"))
    txn = store.txn()
    txn.put("test", "a", b"2")
    txn.put("test", "b", b"3")
    assert (txn.get("test", "a"), txn.get("test", "b")) == (b"2", b"3")
    assert (store.get("test", "a"), store.get("test", "b")) == (b"1", None)
    assert set(txn.ids("test")) == {"a", "b"}
    assert set(store.ids("test")) == {"a"}


def test_staged_is_seen_at_once_and_durable_later() -> None:
    memory = Memory(a=b"1", gone=b"x")
    store = Keystore(memory)
    assert stage(store, a=b"2", gone=None) == 1
    assert (store.get("test", "a"), store.get("test", "gone")) == (b"2", None)
    assert list(store.ids("test")) == ["a"]
    assert memory.get("test", "a") == b"1"
    assert (store.staged, store.durable) == (1, 0)
    memory.write(store)
    assert (store.get("test", "a"), store.durable) == (b"2", 1)
    assert store.take_saves() == []


def test_a_newer_value_outlives_the_older_commit() -> None:
    store = Keystore(Memory())
    stage(store, a=b"1")
    stage(store, a=b"2")
    store.committed(1)
    assert store.get("test", "a") == b"2"


def test_a_save_carries_its_changes_and_events() -> None:
    class Happened(Event, tag="test.happened", frozen=True):
        pass

    store = Keystore(Memory())
    txn = store.txn()
    txn.put("test", "a", b"1")
    event = Happened(at=1.0)
    store.stage(txn, (event,))
    (save,) = store.take_saves()
    assert (save.number, save.changes, save.events) == (1, {("test", "a"): b"1"}, (event,))


def test_a_stale_transaction_is_refused() -> None:
    store = Keystore(Memory())
    txn = store.txn()
    stage(store, a=b"1")
    with pytest.raises(StaleTxn):
        store.stage(txn)
    assert store.staged == 1


def test_a_store_that_failed_takes_nothing_more() -> None:
    store = Keystore(Memory())
    store.failed()
    with pytest.raises(LocalProtocolError, match="recovery"):
        store.stage(store.txn())


def test_a_fork_is_thrown_away_or_adopted() -> None:
    store = Keystore(Memory(a=b"1"))
    txn = store.txn()
    txn.put("test", "a", b"2")
    fork = txn.fork()
    fork.put("test", "a", b"3")
    fork.delete("test", "b")
    assert txn.get("test", "a") == b"2"
    txn.adopt(fork)
    assert txn.get("test", "a") == b"3"
    assert store.stage(txn) == 1


changes = st.dictionaries(st.sampled_from("abcd"), st.one_of(st.none(), st.binary(max_size=2)), max_size=4)


@given(st.lists(st.one_of(changes, st.integers(1, 3)), max_size=20))
def test_the_store_agrees_with_a_plain_dict_however_late_the_disk_is(steps: list[Any]) -> None:
    memory = Memory()
    store = Keystore(memory)
    model: dict[str, bytes] = {}
    waiting: list[Any] = []
    for step in steps:
        if isinstance(step, dict):
            stage(store, **step)
            for id, value in step.items():
                model.pop(id, None) if value is None else model.update({id: value})
            waiting += store.take_saves()
        else:
            for save in waiting[:step]:
                for key, value in save.changes.items():
                    memory.held.pop(key, None) if value is None else memory.held.update({key: value})
                store.committed(save.number)
            del waiting[:step]
        assert {id: store.get("test", id) for id in store.ids("test")} == model
        assert all(store.get("test", id) == model.get(id) for id in "abcd")


# --- typed records ----------------------------------------------------------------------------------------------


class Person(msgspec.Struct, frozen=True):
    name: str
    v: int = 3
    born: int = 0


def rename(fields: dict[str, Any]) -> dict[str, Any]:
    return {"name": fields.pop("title"), **fields}


def add_century(fields: dict[str, Any]) -> dict[str, Any]:
    return fields | {"born": fields["born"] + 1900}


PEOPLE = Table("test", Person, version=3, migrations={1: rename, 2: add_century})


def test_records_round_trip_through_a_transaction() -> None:
    store = Keystore(Memory())
    txn = store.txn()
    PEOPLE.put(txn, "ada", Person("Ada", born=1815))
    assert PEOPLE.get(txn, "ada") == Person("Ada", born=1815)
    store.stage(txn)
    assert PEOPLE.get(store, "ada") == Person("Ada", born=1815)
    assert list(PEOPLE.ids(store)) == ["ada"]
    txn = store.txn()
    PEOPLE.delete(txn, "ada")
    assert PEOPLE.get(txn, "ada") is None


@pytest.mark.parametrize(
    "old",
    [
        b'{"v":1,"title":"Grace","born":6}',
        b'{"v":2,"name":"Grace","born":6}',
        b'{"v":3,"name":"Grace","born":1906}',
    ],
)
def test_old_records_are_migrated_step_by_step(old: bytes) -> None:
    assert PEOPLE.decode(old, "grace") == Person("Grace", born=1906)


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"v":3}',
        b'{"v":3,"name":5}',
        b'{"v":4,"name":"Ada"}',
        b'{"v":1,"name":"no title"}',
        b'{"v":0,"name":"no such migration"}',
        b'{"v":"x","name":"Ada"}',
        b'{"v":null,"name":"Ada"}',
        b'{"v":2,"name":"Ada","born":"long ago"}',
    ],
)
def test_what_makes_no_sense_is_named_with_its_record(damaged: bytes) -> None:
    with pytest.raises(RecordDamaged) as caught:
        PEOPLE.decode(damaged, "ada")
    assert (caught.value.kind, caught.value.id) == ("test", "ada")


@given(st.binary(max_size=40))
def test_any_bytes_are_a_record_or_damaged(raw: bytes) -> None:
    try:
        assert isinstance(PEOPLE.decode(raw, "x"), Person)
    except RecordDamaged:
        pass

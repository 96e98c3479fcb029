"""Somebody has a new phone: however we come to know, it is told once, and the old one is locked out."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from protocol.flows.devices import cached
from protocol.flows.sender_keys import MEMORIES
from protocol.flows.tokens import TOKENS, WEEK, Token, forget_old
from protocol.jid import STATUS
from protocol.node import Node
from protocol.signal.identity import identity_of
from protocol.signal.session import delete_session, has_session
from tests.support.parties import START, Party, World

Meet = Callable[[World, Party, Party], None]


def by_their_message(world: World, ann: Party, bob: Party) -> None:
    world.finish(bob.send(ann.lid.bare, "new phone", "B2"))


def by_fetching_keys(world: World, ann: Party, bob: Party) -> None:
    txn = ann.ctx.txn()
    delete_session(txn, bob.lid.signal_address)
    ann.store.stage(txn)
    world.finish(ann.send(bob.lid.bare, "are you there?", "A2"))


def by_both(world: World, ann: Party, bob: Party) -> None:
    by_fetching_keys(world, ann, bob)
    by_their_message(world, ann, bob)


@pytest.mark.parametrize("meet", [by_their_message, by_fetching_keys, by_both])
def test_a_new_identity_is_met(meet: Meet) -> None:
    world = World()
    (ann,), (bob, tablet) = world.person(1), world.person(2, (0, 5))
    group = world.group(1, [ann, bob])
    world.finish(ann.send(bob.lid.bare, "hello", "A1"))
    world.finish(ann.send(group, "one", "G1"))
    world.finish(ann.send(STATUS, "to all", "S1", audience=(bob.lid.bare,)))
    assert MEMORIES.get(ann.store, str(STATUS)) is not None
    before = identity_of(ann.store, bob.lid.signal_address)
    issued = len(tokens_of(world, ann))
    new = world.reinstall(bob)
    meet(world, ann, new)
    assert identity_of(ann.store, bob.lid.signal_address) not in (None, before)
    (event,) = ann.told("contact.identity_changed")
    assert event.contact.id == str(bob.lid.bare)
    assert MEMORIES.get(ann.store, str(STATUS)) is None, "the status audience gets a new key"
    memory = MEMORIES.get(ann.store, str(group))
    assert memory is None or not any(a.startswith(bob.lid.signal_name) for a in memory.has)
    assert len(tokens_of(world, ann)) == issued + 1, "our proof of trust goes to the new phone, too"
    # The list was put in doubt: the companions of the old installation are found to be gone.
    world.finish(ann.send(bob.lid.bare, "welcome back", "A3"))
    held = cached(ann.store, bob.lid)
    assert held is not None and [d.id for d in held.devices] == [0]
    assert not has_session(ann.store, tablet.lid.signal_address)
    assert new.texts()[-1] == "welcome back"


def tokens_of(world: World, party: Party) -> list[Node]:
    return [n for p, n in world.log if p is party and n.text("xmlns") == "privacy" and n.child("tokens")]


def test_a_companion_with_new_keys_gets_the_sender_key_again() -> None:
    world = World()
    (ann,), (bob, tablet) = world.person(1), world.person(2, (0, 5))
    group = world.group(1, [ann, bob])
    world.finish(ann.send(group, "one", "G1"))
    world.unlink(tablet)
    world.pools.clear()
    again = world.link(bob.person, 5, life=1)
    world.finish(again.send(ann.lid.bare, "same number, other machine", "T1"))
    world.finish(ann.send(group, "two", "G2"))
    assert again.texts()[-1] == "two"
    assert not ann.told("contact.identity_changed"), "only a phone's identity is what people compare"


def test_a_status_on_its_way_reaches_everybody_whose_keys_did_not_change() -> None:
    """The key is replaced while we ask for the keys of somebody new: then all the others need it, too."""
    world = World()
    (ann,), (bob,), (cid,) = world.person(1), world.person(2), world.person(3)
    audience = (bob.lid.bare, cid.lid.bare)
    world.finish(ann.send(STATUS, "one", "S1", audience=audience))
    new = world.reinstall(bob)
    txn = ann.ctx.txn()
    delete_session(txn, bob.lid.signal_address)
    memory = MEMORIES.get(txn, str(STATUS))
    assert memory is not None
    memory.has.remove(bob.lid.signal_address)
    MEMORIES.put(txn, str(STATUS), memory)
    ann.store.stage(txn)
    world.finish(ann.send(STATUS, "two", "S2", audience=audience))
    assert [party.texts()[-1] for party in (new, cid)] == ["two", "two"]
    asked = [n for p, n in world.log if p in (new, cid) and n.tag == "receipt" and n.text("type") == "retry"]
    assert not asked, "nobody had to ask again"


def test_tokens_that_prove_nothing_any_more_go() -> None:
    world = World()
    (ann,) = world.person(1)
    txn = ann.ctx.txn()
    old, now = int(START) - 5 * WEEK, int(START)
    for name, token in {
        "1@lid": Token(b"t", old),
        "2@lid": Token(b"t", now),
        "3@lid": Token(b"t", old, now),
        "4@lid": Token(b"", 0, old),
    }.items():
        TOKENS.put(txn, name, token)
    ann.store.stage(txn)
    world.finish(ann.start(forget_old(ann.ctx)))
    assert sorted(TOKENS.ids(ann.store)) == ["2@lid", "3@lid"]

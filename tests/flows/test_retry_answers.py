"""Requests to send again: answered on a session that works, for a while, to those who may ask."""

from __future__ import annotations

import msgspec

from protocol.flows import prekeys, retry, sender_keys
from protocol.flows.retry import ANSWERED, KEEP_SECONDS, MAX_ANSWERS, RECREATE_SECONDS, RECREATED
from protocol.jid import STATUS, Jid
from protocol.node import Node
from protocol.signal.session import base_key
from protocol.stanza import adv
from protocol.stanza import retry as stanza
from protocol.stanza.message import Incoming
from tests.support.parties import START, Party, World


def pair() -> tuple[World, Party, Party]:
    world = World()
    (ann,), (bob,) = world.person(1), world.person(2)
    world.finish(ann.send(bob.lid.bare, "hello", "A1"))
    world.finish(bob.send(ann.lid.bare, "hi", "B1"))
    return world, ann, bob


def keys_of(party: Party) -> stanza.Keys:
    txn = party.ctx.txn()
    id, fresh = prekeys.lend(party.ctx, txn)
    party.store.stage(txn)
    creds = party.ctx.creds()
    return stanza.Keys(
        creds.identity.public, id, fresh.public, creds.signed_pre_key, adv.own_identity(party.ctx.account)
    )


def ask(
    world: World,
    asked: Party,
    by: Party,
    id: str,
    count: int,
    *,
    keys: stanza.Keys | None = None,
    registration: int = 0,
    requester: Jid | None = None,
    chat: Jid | None = None,
) -> list[Node]:
    """A retry receipt arrives; the messages that leave for it."""
    who = requester or by.lid
    about = Incoming(
        id=id, chat=who, sender=who, from_me=False, at=int(START), type="text", from_=chat or who,
        participant=who if chat else None, recipient=by.lid.bare if asked.person is by.person else None,
    )  # fmt: skip
    node = stanza.ask(about, count, registration or by.ctx.creds().registration_id, 0, keys)
    attrs = {name: value for name, value in node.attrs.items() if name != "to"} | {"from": chat or who}
    before = len(world.log)
    asked.receive(Node("receipt", attrs, node.content))
    world.run()
    acks = [n.text("type") for p, n in world.log[before:] if p is asked and n.tag == "ack"]
    assert acks.count("retry") == 1, "always acknowledged"
    return [n for p, n in world.log[before:] if p is asked and n.tag == "message" and n.text("id") == id]


def test_a_request_is_answered_for_one_device_with_its_count() -> None:
    world, ann, bob = pair()
    (again,) = ask(world, ann, bob, "A1", 1)
    (enc,) = again.all("enc")
    assert (enc.text("count"), again.text("device_fanout")) == ("1", "false")
    assert again.attrs["to"] == bob.lid


def test_counts_beyond_the_limit_are_acknowledged_and_no_more() -> None:
    world, ann, bob = pair()
    assert ask(world, ann, bob, "A1", stanza.MAX_COUNT + 1) == []


def test_nobody_gets_one_message_for_ever() -> None:
    world, ann, bob = pair()
    answers = [ask(world, ann, bob, "A1", 1 + n % stanza.MAX_COUNT) for n in range(MAX_ANSWERS + 5)]
    assert [len(found) for found in answers] == [1] * MAX_ANSWERS + [0] * 5
    assert ask(world, ann, bob, "A1", 1, keys=keys_of(bob)) == []


def test_a_stuck_session_is_given_up_but_not_every_minute() -> None:
    world, ann, bob = pair()

    def session() -> bytes:
        return base_key(ann.store, bob.lid.signal_address)

    first = session()
    ask(world, ann, bob, "A1", 2)
    assert session() == first
    ask(world, ann, bob, "A1", 3)
    second = session()
    assert second != first, "the same session at the third request: it is stuck"
    world.finish(ann.send(bob.lid.bare, "more", "A2"))
    for count in (2, 3):
        ask(world, ann, bob, "A2", count)
    assert session() == second, "one re-creation an hour"
    world.now += RECREATE_SECONDS + 1
    ask(world, ann, bob, "A2", 4)
    assert session() != second


def test_another_registration_means_another_session() -> None:
    world, ann, bob = pair()
    first = base_key(ann.store, bob.lid.signal_address)
    ask(world, ann, bob, "A1", 1, registration=bob.ctx.creds().registration_id + 1)
    assert base_key(ann.store, bob.lid.signal_address) != first


def test_keys_make_a_new_session_and_bad_ones_do_not() -> None:
    world, ann, bob = pair()
    first = base_key(ann.store, bob.lid.signal_address)
    good = keys_of(bob)
    signed = msgspec.structs.replace(good.signed, signature=bytes(64))
    (again,) = ask(world, ann, bob, "A1", 2, keys=msgspec.structs.replace(good, signed=signed))
    assert base_key(ann.store, bob.lid.signal_address) == first
    assert ann.ctx.counts["retry.bad_keys"] == 1
    assert next(again.all("enc")).text("type") == "msg"
    (again,) = ask(world, ann, bob, "A1", 2, keys=good)
    assert base_key(ann.store, bob.lid.signal_address) != first
    assert next(again.all("enc")).text("type") == "pkmsg"
    assert again.child("device-identity") is not None


def test_our_own_device_may_not_change_its_registration() -> None:
    world = World()
    (ann, laptop), (bob,) = world.person(1, (0, 3)), world.person(2)
    world.finish(ann.send(bob.lid.bare, "hello", "A1"))
    before = base_key(ann.store, laptop.lid.signal_address)
    ask(world, ann, laptop, "A1", 2, keys=keys_of(laptop), registration=7)
    assert base_key(ann.store, laptop.lid.signal_address) == before
    assert ann.ctx.counts["retry.bad_keys"] == 1


def test_a_device_that_nobody_knows_gets_nothing() -> None:
    world, ann, bob = pair()
    before = len([n for p, n in world.log if p is ann and n.text("xmlns") == "usync"])
    assert ask(world, ann, bob, "A1", 1, requester=bob.lid.on(77)) == []
    asked = len([n for p, n in world.log if p is ann and n.text("xmlns") == "usync"])
    assert asked == before + 1, "its owner's list was asked for first"


def test_a_status_is_not_sent_again_but_its_key_is() -> None:
    world, ann, bob = pair()
    world.finish(ann.send(STATUS, "to all", "S1", audience=(bob.lid.bare,)))
    assert ask(world, ann, bob, "S1", 1, chat=STATUS) == []
    assert sender_keys.lacking(ann.store, STATUS, [bob.lid], world.now) == [bob.lid]


def test_who_is_no_member_any_more_gets_nothing_and_the_key_is_replaced() -> None:
    world, ann, bob = pair()
    (eve,) = world.person(3)
    group = world.group(1, [ann, bob])
    world.finish(ann.send(group, "one", "G1"))
    world.finish(eve.send(ann.lid.bare, "hi", "E1"))
    key = sender_keys.current(ann.ctx, ann.store, group)
    assert ask(world, ann, eve, "G1", 1, chat=group) == []
    assert sender_keys.current(ann.ctx, ann.store, group) != key
    (again,) = ask(world, ann, bob, "G1", 1, chat=group)
    assert again.text("addressing_mode") == "lid" and again.attrs["participant"] == bob.lid


def test_records_of_answers_do_not_pile_up(monkeypatch) -> None:
    world, ann, bob = pair()
    ask(world, ann, bob, "A1", 2)
    ask(world, ann, bob, "A1", 3)
    world.finish(ann.start(retry.forget_old(ann.ctx)))
    assert len(list(ANSWERED.ids(ann.store))) == len(list(RECREATED.ids(ann.store))) == 1
    world.now += RECREATE_SECONDS + 1
    world.finish(ann.send(bob.lid.bare, "more", "A2"))
    ask(world, ann, bob, "A2", 1)
    monkeypatch.setattr(retry, "MAX_RECORDS", 1)
    world.finish(ann.start(retry.forget_old(ann.ctx)))
    (left,) = ANSWERED.ids(ann.store)
    assert left.endswith("/A2") and not list(RECREATED.ids(ann.store))
    world.now += KEEP_SECONDS + 1
    world.finish(ann.start(retry.forget_old(ann.ctx)))
    assert not list(ANSWERED.ids(ann.store))

"""Prekeys: durable before they leave, offered again until confirmed, never given twice, replaced in time."""

from __future__ import annotations

import msgspec
import pytest

from protocol.creds import CREDS, CREDS_ID
from protocol.errors import IqError
from protocol.flows import prekeys
from protocol.flows.prekeys import BATCH, MAX_ID, ROTATE_AGAIN_SECONDS, ROTATE_SECONDS, lend, unconfirmed
from protocol.keystore import Kind
from protocol.node import Node
from protocol.signal.records import PRE_KEYS
from protocol.stanza.prekeys import digest_hash
from tests.support.parties import START, Party, World


def alone() -> tuple[World, Party]:
    world = World()
    return world, world.person(1)[0]


def ids_in(node: Node) -> list[int]:
    return [int.from_bytes(key.need("id").content_bytes(), "big") for key in node.need("list").children]


def uploads(world: World) -> list[list[int]]:
    return [
        ids_in(n) for _, n in world.log if n.tag == "iq" and n.text("xmlns") == "encrypt" and n.child("list")
    ]


def test_the_first_login_uploads_once() -> None:
    world, ann = alone()
    assert uploads(world) == [list(range(1, BATCH + 1))]
    creds = ann.ctx.creds()
    assert (creds.next_pre_key_id, creds.first_unuploaded_pre_key_id) == (BATCH + 1, BATCH + 1)
    world.finish(ann.start(prekeys.check(ann.ctx)))
    assert len(uploads(world)) == 1


def test_private_halves_are_durable_before_the_upload_leaves() -> None:
    world, ann = alone()
    ann.start(prekeys.upload(ann.ctx))
    while not ann.store.take_saves() and not ann.runner.released():
        ann.runner.handle_deadline(world.now)
    assert ann.runner.released() == [], "nothing may leave while the write is under way"


def test_what_was_never_confirmed_is_offered_again() -> None:
    world, ann = alone()
    ann.start(prekeys.upload(ann.ctx))
    sent = ann.settle()
    ann.restart()
    world.finish(ann.start(prekeys.upload(ann.ctx)))
    assert uploads(world)[-1] == ids_in(sent[0])
    assert ann.ctx.creds().next_pre_key_id == 2 * BATCH + 1


def test_a_lent_key_is_never_uploaded() -> None:
    world, ann = alone()
    ann.start(prekeys.upload(ann.ctx))
    ann.settle()
    txn = ann.ctx.txn()
    id, _ = lend(ann.ctx, txn)
    ann.store.stage(txn)
    ann.settle()
    ann.restart()
    for _ in range(2):
        world.finish(ann.start(prekeys.upload(ann.ctx)))
    assert id == 2 * BATCH + 1
    assert all(id not in offered for offered in uploads(world))
    assert ann.ctx.creds().lent_pre_key_ids == ()
    flat = [one for offered in uploads(world) for one in offered]
    assert len(flat) == len(set(flat))


def test_a_low_pool_is_refilled_and_consumed_ids_never_come_back() -> None:
    world, ann = alone()
    world.pools[ann.person.pn.user, 0] = world.pools[ann.person.pn.user, 0][:3]
    txn = ann.ctx.txn()
    txn.delete(Kind.PRE_KEY, str(BATCH))
    ann.store.stage(txn)
    world.finish(ann.start(prekeys.check(ann.ctx)))
    assert uploads(world)[-1][0] == BATCH + 1


def test_ids_wrap_and_skip_zero() -> None:
    world, ann = alone()
    txn = ann.ctx.txn()
    near = MAX_ID - 5
    ann.ctx.set_creds(
        txn,
        lambda creds: msgspec.structs.replace(
            creds, next_pre_key_id=near, first_unuploaded_pre_key_id=near, server_has_pre_keys=False
        ),
    )
    ann.store.stage(txn)
    world.finish(ann.start(prekeys.check(ann.ctx)))
    offered = uploads(world)[-1]
    assert len(offered) == BATCH
    assert 0 not in offered
    assert ann.ctx.creds().next_pre_key_id == BATCH - 5
    assert unconfirmed(ann.store, ann.ctx.creds()) == []


def test_the_signed_prekey_is_replaced_after_27_days_and_the_old_one_still_opens() -> None:
    world = World()
    (ann,), (bob,) = world.person(1), world.person(2)
    bob.online = False
    world.finish(ann.send(bob.lid.bare, "on its way", "A1"))
    old = bob.ctx.creds().signed_pre_key
    world.now += ROTATE_SECONDS
    world.finish(bob.start(prekeys.check(bob.ctx)))
    new = bob.ctx.creds().signed_pre_key
    assert (new.id, new.pair != old.pair) == (old.id + 1, True)
    bob.online = True
    world.run()
    assert bob.texts() == ["on its way"]


def test_a_refused_rotation_keeps_the_old_key() -> None:
    world, ann = alone()
    old = ann.ctx.creds().signed_pre_key
    world.now += ROTATE_SECONDS
    answer = world._answer
    world._answer = lambda party, node: (  # type: ignore[method-assign]
        Node("iq", {"id": node.text("id"), "type": "error"}, [Node("error", {"code": "503"})])
        if node.child("rotate")
        else answer(party, node)
    )
    world.finish(ann.start(prekeys.rotate_when_due(ann.ctx)))
    creds = ann.ctx.creds()
    assert creds.signed_pre_key == old
    assert START < creds.rotation_checked_at < world.now, "a server's fault is tried again the day after"


def test_an_upload_survives_a_failing_server() -> None:
    world, ann = alone()
    answer, failures = world._answer, [503, 500]

    def fail(party: Party, node: Node) -> Node:
        if node.child("list") and failures:
            error = Node("error", {"code": str(failures.pop()), "text": "not now"})
            return Node("iq", {"id": node.text("id"), "type": "error"}, [error])
        return answer(party, node)

    world._answer = fail  # type: ignore[method-assign]
    handle = ann.start(prekeys.upload(ann.ctx))
    world.run(30)
    assert handle.done
    assert handle.error is None
    assert uploads(world)[-1] == uploads(world)[-2] == uploads(world)[-3], "the same keys, again and again"


def test_credentials_and_keys_agree_on_disk() -> None:
    _, ann = alone()
    creds = CREDS.get(ann.disk, CREDS_ID)
    assert creds is not None
    held = sorted(int(id) for kind, id in ann.disk.records if kind == Kind.PRE_KEY)
    assert held == list(range(1, creds.next_pre_key_id))


def test_a_notice_that_comes_twice_refills_once() -> None:
    world, ann = alone()
    node = Node(
        "notification", {"type": "encrypt", "id": "1", "from": ann.pn.bare}, [Node("count", {"value": "9"})]
    )
    ann.receive(node)
    ann.receive(node)
    world.run()
    assert len(uploads(world)) == 2
    ann.receive(node)
    world.run()
    assert len(uploads(world)) == 3


def test_the_digest_is_compared() -> None:
    world, ann = alone()
    ann.ctx.counts.clear()
    creds = ann.ctx.creds()
    keys = [PRE_KEYS.get(ann.store, str(id)) for id in (3, 4)]
    answer = world._answer

    def digest(good: bytes) -> None:
        node = Node(
            "digest",
            {},
            [
                Node("registration", {}, creds.registration_id.to_bytes(4, "big")),
                Node("list", {}, [Node("id", {}, bytes((0, 0, id))) for id in (3, 4)]),
                Node("hash", {}, good),
            ],
        )
        world._answer = lambda party, asked: (  # type: ignore[method-assign]
            Node("iq", {"id": asked.text("id"), "type": "result"}, [node])
            if asked.child("digest")
            else answer(party, asked)
        )
        world.finish(ann.start(prekeys.verify(ann.ctx)))

    digest(digest_hash(creds.identity.public, creds.signed_pre_key, [key.public for key in keys if key]))
    assert not ann.ctx.counts
    digest(bytes(20))
    assert ann.ctx.counts["prekeys.digest_differs"] == 1


def test_a_server_that_lost_everything_gets_it_again() -> None:
    world, ann = alone()
    answer = world._answer
    world._answer = lambda party, asked: (  # type: ignore[method-assign]
        Node("iq", {"id": asked.text("id"), "type": "error"}, [Node("error", {"code": "404"})])
        if asked.child("digest")
        else answer(party, asked)
    )
    world.finish(ann.start(prekeys.verify(ann.ctx)))
    assert len(uploads(world)) == 2


@pytest.mark.parametrize(
    ("code", "due"),
    [(406, ROTATE_SECONDS), (409, 0.0), (503, ROTATE_AGAIN_SECONDS)],
    ids=["bad key: at the usual time", "the server has others: checked, again at the next login", "tomorrow"],
)
def test_a_refused_rotation_is_tried_again_when_it_helps(code: int, due: float) -> None:
    world, ann = alone()
    old = ann.ctx.creds()
    world.now += ROTATE_SECONDS
    answer, digests = world._answer, []

    def refuse(party: Party, node: Node) -> Node:
        if node.child("digest"):
            digests.append(node)
        if node.child("rotate"):
            return Node("iq", {"id": node.text("id"), "type": "error"}, [Node("error", {"code": str(code)})])
        return answer(party, node)

    world._answer = refuse  # type: ignore[method-assign]
    world.finish(ann.start(prekeys.rotate_when_due(ann.ctx)))
    creds = ann.ctx.creds()
    assert creds.signed_pre_key == old.signed_pre_key
    assert creds.rotation_checked_at + ROTATE_SECONDS == world.now + due
    assert len(digests) == (code == 409)


def test_a_rotation_without_answer_is_taken_up_at_the_next_login() -> None:
    world, ann = alone()
    old = ann.ctx.creds()
    world.now += ROTATE_SECONDS
    handle = ann.start(prekeys.rotate_when_due(ann.ctx))
    (rotate,) = [n for n in ann.settle() if n.child("rotate")]
    world.run(80)
    assert handle.done and handle.error is None
    assert ann.ctx.creds() == old
    offered = int.from_bytes(rotate.need("rotate").need("skey").need("id").content_bytes(), "big")
    world.finish(ann.start(prekeys.rotate_when_due(ann.ctx)))
    fresh = ann.ctx.creds().signed_pre_key
    assert fresh.id == offered == old.signed_pre_key.id + 1


@pytest.mark.parametrize("code", [400, 406])
def test_an_upload_that_is_refused_for_good_is_not_repeated(code: int) -> None:
    world, ann = alone()
    before = len(uploads(world))
    answer = world._answer
    world._answer = lambda party, node: (  # type: ignore[method-assign]
        Node("iq", {"id": node.text("id"), "type": "error"}, [Node("error", {"code": str(code)})])
        if node.child("list")
        else answer(party, node)
    )
    handle = ann.start(prekeys.upload(ann.ctx))
    world.run(5_000)
    assert isinstance(handle.error, IqError) and handle.error.code == code
    assert len(uploads(world)) == before + 1


def test_private_halves_on_disk_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prekeys, "MAX_KEPT", 2 * BATCH)
    world, ann = alone()
    for _ in range(3):
        world.finish(ann.start(prekeys.upload(ann.ctx)))
    held = sorted(int(id) for id in PRE_KEYS.ids(ann.store))
    assert held == list(range(2 * BATCH + 1, 4 * BATCH + 1)), "the oldest go first"

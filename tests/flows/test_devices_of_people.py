"""Device lists: believed when signed, cached, kept true by notifications, forgotten when they contradict."""

from __future__ import annotations

from protocol.flows.devices import DOUBT_SECONDS, LISTS, TRUST_SECONDS, cached, devices_of
from protocol.flows.mapping import lid_of, pn_of
from protocol.flows.sender_keys import MEMORIES
from protocol.keystore import Kind
from protocol.node import Node
from protocol.signal.envelope import read_group_message
from protocol.signal.phash import participant_hash
from protocol.signal.session import has_session
from tests.support.parties import Party, World


def trio() -> tuple[World, Party, Party, Party]:
    world = World()
    (ann,), (bob, tablet) = world.person(1), world.person(2, (0, 5))
    world.finish(ann.send(bob.lid.bare, "hello", "A1"))
    return world, ann, bob, tablet


def asked(world: World) -> int:
    return len([n for _, n in world.log if n.text("xmlns") == "usync"])


def notify(world: World, party: Party, *children: Node, kind: str = "devices", **attrs: object) -> None:
    head = {"type": kind, "id": "N1", "t": "1", **attrs}
    party.receive(Node("notification", head, list(children)))  # type: ignore[arg-type]
    world.run()


def skdm_key(party: Party, id: str) -> int | None:
    """Under which key the group message `id` came to this device."""
    for _, node in party.delivered:
        if node.text("id") == id:
            found = [enc for enc in node.all("enc") if enc.text("type") == "skmsg"]
            return read_group_message(found[0].content_bytes()).id
    return None


def test_lists_are_believed_for_a_day() -> None:
    world, ann, bob, _ = trio()
    before = asked(world)
    world.finish(ann.send(bob.lid.bare, "again", "A2"))
    assert asked(world) == before
    world.now += TRUST_SECONDS + 1
    world.finish(ann.send(bob.lid.bare, "again", "A3"))
    assert asked(world) == before + 1


def test_asking_by_number_teaches_the_hidden_id() -> None:
    world, ann, bob, _ = trio()
    world.finish(ann.start(devices_of(ann.ctx, [bob.pn.bare], fresh=True)))
    assert lid_of(ann.store, bob.pn) == bob.lid
    assert pn_of(ann.store, bob.lid.on(5)) == bob.pn.on(5)
    assert [id for kind, id in ann.disk.records if kind == Kind.DEVICE_LIST].count(bob.lid.user) == 1


def test_a_forged_list_leaves_the_phone_alone() -> None:
    world, ann, bob, _ = trio()
    bob.person.keys = ann.person.keys
    world.finish(ann.start(devices_of(ann.ctx, [bob.lid.bare], fresh=True)))
    held = cached(ann.store, bob.lid)
    assert held is not None
    assert [device.id for device in held.devices] == [0]


def test_a_removed_device_loses_session_and_sender_key() -> None:
    world, ann, bob, tablet = trio()
    group = world.group(1, [ann, bob])
    world.finish(ann.send(group, "one", "G1"))
    assert has_session(ann.store, tablet.lid.signal_address)
    notify(
        world,
        ann,
        Node("remove", {}, [Node("device", {"jid": tablet.pn})]),
        **{"from": bob.pn.bare, "lid": bob.lid.bare},
    )
    assert not has_session(ann.store, tablet.lid.signal_address)
    assert MEMORIES.get(ann.store, str(group)) is None, "what we write from here on is under a new key"
    assert [d.id for d in LISTS.get(ann.store, bob.lid.user).devices] == [0]  # type: ignore[union-attr]


def test_an_added_device_is_written_to() -> None:
    world, ann, bob, _ = trio()
    world.hidden.add((bob.person.pn.user, 9))
    watch = world.link(bob.person, 9)
    hash = participant_hash([bob.pn, bob.pn.on(5), watch.pn])
    added = Node("device", {"jid": watch.pn, "key-index": "9"})
    before = asked(world)
    notify(
        world,
        ann,
        Node("add", {"device_hash": hash}, [added]),
        **{"from": bob.pn.bare, "lid": bob.lid.bare},
    )
    world.finish(ann.send(bob.lid.bare, "all of you", "A2"))
    assert watch.texts() == ["all of you"]
    assert asked(world) == before


def test_a_hash_that_disagrees_makes_us_ask() -> None:
    world, ann, bob, _ = trio()
    notify(
        world,
        ann,
        Node("add", {"device_hash": "2:AAAAAAAA"}, [Node("device", {"jid": bob.pn.on(7), "key-index": "7"})]),
        **{"from": bob.pn.bare, "lid": bob.lid.bare},
    )
    before = asked(world)
    world.finish(ann.send(bob.lid.bare, "who are you?", "A2"))
    assert asked(world) == before + 1
    held = cached(ann.store, bob.lid)
    assert held is not None and [d.id for d in held.devices] == [0, 5]


def test_a_device_that_a_fresh_list_lacks_is_cut_off() -> None:
    """No notification told of it: what the question finds counts as much."""
    world, ann, bob, tablet = trio()
    group = world.group(1, [ann, bob])
    world.finish(ann.send(group, "one", "G1"))
    world.unlink(tablet)
    world.now += TRUST_SECONDS + 1
    world.finish(ann.send(group, "two", "G2"))
    assert not has_session(ann.store, tablet.lid.signal_address)
    keys = {skdm_key(tablet, "G1"), skdm_key(bob, "G2")}
    assert len(keys) == 2 and None not in keys, "what is written from here on is under another key"


def test_a_list_in_doubt_still_knows_who_is_gone() -> None:
    world, ann, bob, tablet = trio()
    group = world.group(1, [ann, bob])
    world.finish(ann.send(group, "one", "G1"))
    notify(world, ann, Node("update", {"hash": "x"}), **{"from": bob.pn.bare, "lid": bob.lid.bare})
    world.unlink(tablet)
    world.finish(ann.send(group, "two", "G2"))
    assert skdm_key(bob, "G2") not in (None, skdm_key(bob, "G1"))


def test_another_registration_of_the_account_means_other_companions() -> None:
    world, ann, bob, tablet = trio()
    group = world.group(1, [ann, bob])
    world.finish(ann.send(group, "one", "G1"))
    bob.person.raw_id = 2
    world.finish(ann.start(devices_of(ann.ctx, [bob.lid.bare], fresh=True)))
    assert not has_session(ann.store, tablet.lid.signal_address)
    assert has_session(ann.store, bob.lid.signal_address)
    assert MEMORIES.get(ann.store, str(group)) is None


def test_a_message_from_an_unlisted_device_makes_us_ask() -> None:
    world, ann, bob, _ = trio()
    world.hidden.add((bob.person.pn.user, 9))
    watch = world.link(bob.person, 9)
    world.finish(watch.send(ann.lid.bare, "from my wrist", "W1"))
    assert ann.texts() == ["from my wrist"]
    held = cached(ann.store, bob.lid)
    assert held is not None and held.fetched_at, "a list so young is not asked for again"
    world.now += DOUBT_SECONDS + 1
    world.finish(watch.send(ann.lid.bare, "again", "W2"))
    held = cached(ann.store, bob.lid)
    assert held is not None and not held.fetched_at
    world.hidden.clear()
    world.finish(ann.send(bob.lid.bare, "hello wrist", "A3"))
    assert watch.texts() == ["hello wrist"]


def test_our_own_list_comes_complete_and_only_from_us() -> None:
    world, ann, bob, _ = trio()
    forged = Node(
        "devices",
        {},
        [Node("device", {"jid": ann.pn}), Node("device", {"jid": ann.pn.on(66), "key-index": "1"})],
    )
    notify(world, ann, forged, kind="account_sync", **{"from": bob.pn.bare})
    assert [d.id for d in cached(ann.store, bob.lid).devices] == [0, 5]  # type: ignore[union-attr]
    laptop = world.link(ann.person, 3)
    own = [Node("device", {"jid": ann.pn}), Node("device", {"jid": laptop.pn, "key-index": "3"})]
    notify(
        world,
        ann,
        Node("devices", {"dhash": participant_hash([ann.pn, laptop.pn])}, own),
        kind="account_sync",
        **{"from": ann.pn.bare},
    )
    world.finish(ann.send(bob.lid.bare, "hi", "A2"))
    assert laptop.texts("message.sent_elsewhere") == ["hi"]


def test_a_new_identity_is_told_and_met_with_new_keys() -> None:
    world, ann, bob, tablet = trio()
    group = world.group(1, [ann, bob])
    world.finish(ann.send(group, "one", "G1"))
    notify(world, ann, Node("identity"), kind="encrypt", **{"from": bob.pn.bare, "lid": bob.lid.bare})
    (event,) = ann.told("contact.identity_changed")
    assert event.contact.id == str(bob.lid.bare)
    assert has_session(ann.store, bob.lid.signal_address), "a new session was opened at once"
    assert not has_session(ann.store, tablet.lid.signal_address)
    memory = MEMORIES.get(ann.store, str(group))
    assert memory is not None
    assert not [a for a in memory.has if a.startswith(bob.lid.signal_name)]


def test_keys_are_uploaded_when_the_server_asks() -> None:
    world, ann, *_ = trio()
    before = ann.ctx.creds().next_pre_key_id
    notify(world, ann, Node("count", {"value": "9"}), kind="encrypt", **{"from": ann.pn.bare})
    assert ann.ctx.creds().next_pre_key_id > before

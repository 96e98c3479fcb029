"""People among themselves: real Signal traffic through the server's logic, no socket."""

import pytest

from protocol.jid import USER, Jid
from protocol.pb.e2e_pb2 import Message
from protocol.pb.sync_pb2 import SyncActionValue
from waconnd.sandbox.expect import Unmet, Wanted, difference, kind_of
from waconnd.sandbox.people import text_of
from waconnd.sandbox.sandbox import Clock, Sandbox


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
def box():
    sandbox = Sandbox(3, clock=Clock(1_800_000_000.0))
    for name in ("ada", "bob", "carl"):
        sandbox.person(name)
    return sandbox


def texts(person):
    return [text_of(read.message) for read in person.phone.read]


def test_a_talk_and_its_ticks(box):
    ada, bob = box.people["ada"], box.people["bob"]
    id = box.say("ada", "bob", "hello")
    box.say("bob", "ada", "hi")
    assert texts(bob)[0] == "hello"
    assert texts(ada) == ["hi"]
    assert [(tick.id, tick.type) for tick in ada.phone.ticks] == [(id, "delivered")]
    bob.mark_read(bob.phone.read[0])
    assert ada.phone.ticks[-1].type == "read"
    assert not ada.phone.device.queue
    assert not bob.phone.device.queue
    assert box.world.complaints == []


@pytest.mark.parametrize("migrated", [True, False])
def test_companions_of_both_sides_read_everything(box, migrated):
    ada, bob = box.people["ada"], box.people["bob"]
    ada.account.lid_migrated = bob.account.lid_migrated = migrated
    second, other = ada.add_companion(), bob.add_companion()
    box.say("ada", "bob", "to both")
    assert text_of(other.read[0].message) == "to both"
    copy = second.read[0]
    assert copy.from_me
    assert copy.chat == bob.account.named("lid" if migrated else USER)
    assert box.world.complaints == []


def test_group_with_rotation(box):
    ada, bob, carl = (box.people[name] for name in ("ada", "bob", "carl"))
    group = box.group("ada", "Three", ["bob", "carl"])
    box.say("ada", "Three", "one")
    from protocol.node import Node

    ada.group_iq(group.jid, "set", Node("remove", {}, [Node("participant", {"jid": carl.account.lid})]))
    box.say("ada", "Three", "two")
    box.say("bob", "Three", "three")
    assert texts(bob) == ["one", "two"]
    assert texts(carl) == ["one"]
    assert texts(ada) == ["three"]
    with pytest.raises(ValueError, match="nobody and no group"):
        box.say("ada", "Four", "x")


def test_numbers_group(box):
    group = box.people["ada"].create_group("Old", [box.people["bob"].account], addressing=USER)
    box.say("bob", "Old", "by number")
    assert texts(box.people["ada"]) == ["by number"]
    assert group.addressing_mode == "pn"


def test_retries_bring_the_text_in_the_end(box):
    bob = box.people["bob"]
    bob.phone.demand_retries = 2
    box.say("ada", "bob", "third time")
    assert texts(bob) == ["third time"]
    box.group("ada", "G", ["bob"])
    bob.phone.demand_retries = 1
    box.say("ada", "G", "in a group")
    assert texts(bob)[-1] == "in a group"


def test_lost_session_heals(box):
    box.say("ada", "bob", "one")
    box.say("bob", "ada", "two")
    box.people["bob"].phone.lose_session(box.people["ada"].jid)
    box.say("ada", "bob", "three")
    assert texts(box.people["bob"])[-1] == "three"


def test_offline_queue_is_kept_in_order(box):
    bob = box.people["bob"]
    bob.go_offline()
    for number in range(5):
        box.say("ada", "bob", str(number))
    assert texts(bob) == []
    bob.come_online()
    assert texts(bob) == list("01234")
    assert not bob.phone.device.queue


def test_new_identity_and_new_lid(box):
    ada, bob = box.people["ada"], box.people["bob"]
    box.say("ada", "bob", "before")
    before = bob.account.devices[0].identity
    bob.reinstall()
    assert bob.account.devices[0].identity != before
    ada.phone.lose_session(bob.jid)
    box.say("ada", "bob", "after")
    assert texts(bob)[-1] == "after"
    bob.change_lid("100000000007777")
    box.say("bob", "ada", "renamed")
    assert str(ada.phone.read[-1].sender) == "100000000007777@lid"


def test_rules_take_their_time(box):
    box.rule("bob", r"^ping (\d)$", answer=r"pong \1", react="👍", read=True)
    box.say("ada", "bob", "ping 7")
    assert texts(box.people["ada"]) == []
    box.advance(1.0)
    assert "pong 7" in texts(box.people["ada"])
    assert {tick.type for tick in box.people["ada"].phone.ticks} == {"delivered", "read"}


def test_media_between_people(box):
    box.people["ada"].send_media(box.address("bob"), "document", b"%PDF", caption="paper")
    read = box.people["bob"].phone.read[0]
    assert kind_of(read.message) == "document"
    assert box.people["bob"].open_media(read.message) == b"%PDF"


def test_app_state_of_the_phone(box):
    state = box.people["ada"].phone.state
    value = SyncActionValue()
    value.pinAction.pinned = True
    state.set("regular_low", ("pin_v1", "x"), value)
    state.rotate()
    state.publish()
    assert state.values("regular_low")["pin_v1", "x"].pinAction.pinned
    state.remove("regular_low", ("pin_v1", "y"))
    collection = box.people["ada"].account.collections["regular_low"]
    assert collection.version == 2
    assert collection.snapshot[0] == 1


async def test_expect_shows_the_difference(box):
    box.say("ada", "bob", "the quick brown fox")
    assert (await box.expect("bob", pattern="quick", sender="ada")).from_me is False
    box.say("ada", "bob", "the quick brown dog")
    with pytest.raises(Unmet) as caught:
        await box.expect("bob", text="the quick brown cat", seconds=0.05)
    told = str(caught.value)
    assert "expected: text 'the quick brown cat'" in told
    assert "- the quick brown cat" in told
    assert "+ the quick brown dog" in told
    assert "nothing" in difference("carl", Wanted(kind="image"), [], 1.0)


def test_addresses(box):
    assert box.address("ada") == box.people["ada"].jid
    assert box.address("+15550100001") == Jid("15550100001", USER)
    assert str(box.address("1@lid")) == "1@lid"


def test_a_message_that_comes_twice_is_shown_once(box):
    """A sender that never got its ack sends again under the same id, with a fresh ciphertext."""
    ada, bob = box.people["ada"], box.people["bob"]
    for _ in range(2):
        ada.phone.send(bob.jid, Message(conversation="once"), id="A1")
        box.pump()
    box.pump()
    assert [read.id for read in bob.inbox] == ["A1"]

"""Read receipts, presence and typing: to whom, under which name, and when they stop."""

from __future__ import annotations

from protocol.engine.router import route
from protocol.flows.courtesy import mark_read, show_presence, show_typing, watch_presence
from protocol.flows.tokens import TOKENS, Token
from protocol.jid import Jid
from protocol.node import Node
from tests.support.parties import START, Party, World


def pair() -> tuple[World, Party, Party]:
    world = World()
    (ann,), (bob,) = world.person(1), world.person(2)
    world.finish(ann.send(bob.lid.bare, "hello", "A1"))
    return world, ann, bob


def said(world: World, party: Party, tag: str, type: str = "") -> list[Node]:
    return [n for p, n in world.log if p is party and n.tag == tag and (not type or n.text("type") == type)]


def test_the_author_learns_that_it_was_read() -> None:
    world, ann, bob = pair()
    world.finish(bob.start(mark_read(bob.ctx, ann.lid.bare, [(ann.lid, "A1"), (bob.lid, "mine")])))
    (node,) = said(world, bob, "receipt", "read")
    assert (node.attrs["to"], node.content, "participant" in node.attrs) == (ann.lid.bare, None, False)
    assert ann.told("message.status")[-1].status == "read"


def test_who_hides_it_tells_own_devices_only_but_groups_always() -> None:
    world, ann, bob = pair()
    group = world.group(1, [ann, bob], "pn")
    world.finish(bob.send(group, "x", "G0"))
    world.finish(bob.start(mark_read(bob.ctx, ann.lid.bare, [(ann.lid, "A1")], hidden=True)))
    world.finish(
        bob.start(mark_read(bob.ctx, group, [(ann.lid, "G1"), (ann.lid, "G2")], hidden=True, played=True))
    )
    assert len(said(world, bob, "receipt", "read-self")) == 1
    (node,) = said(world, bob, "receipt", "played")
    assert node.attrs["participant"] == ann.pn.bare, "in the addressing of the group"


def test_typing_stops_by_itself() -> None:
    world, ann, bob = pair()
    handle = ann.start(show_typing(ann.ctx, bob.lid.bare, "voice", 500))
    world.run(60)
    assert handle.done
    states = [n.children[0] for n in said(world, ann, "chatstate")]
    assert [n.tag for n in states] == ["composing"] * 3 + ["paused"]
    assert states[0].text("media") == "audio"
    assert world.now < START + 100


def test_presence_decides_how_receipts_look() -> None:
    world, ann, bob = pair()
    world.finish(bob.start(show_presence(bob.ctx, available=True)))
    assert [n.children[0].tag for n in said(world, bob, "ib")] == ["unified_session"]
    world.finish(ann.send(bob.lid.bare, "more", "A2"))
    (receipt,) = [n for n in said(world, bob, "receipt") if n.text("id") == "A2"]
    assert "type" not in receipt.attrs


def test_watching_shows_the_token() -> None:
    world, ann, bob = pair()
    txn = ann.ctx.txn()
    TOKENS.put(txn, str(bob.lid.bare), Token(b"proof", int(START)))
    ann.store.stage(txn)
    world.finish(ann.start(watch_presence(ann.ctx, [bob.lid])))
    (node,) = said(world, ann, "presence", "subscribe")
    assert (node.attrs["to"], node.need("tctoken").content_bytes()) == (bob.lid.bare, b"proof")


def test_what_others_show_is_told_and_not_kept() -> None:
    _, ann, bob = pair()

    def react(node: Node) -> list[object]:
        return [event for reaction in route(ann.ctx, node) for event in reaction.ephemeral]

    (gone,) = react(Node("presence", {"from": bob.lid.bare, "type": "unavailable", "last": "1760000000"}))
    assert (gone.online, gone.last_seen_at) == (False, 1760000000.0)  # type: ignore[attr-defined]
    (hidden,) = react(Node("presence", {"from": bob.lid.bare, "type": "unavailable", "last": "deny"}))
    assert hidden.last_seen_at is None  # type: ignore[attr-defined]
    group = Jid("1203", "g.us")
    (typing,) = react(Node("chatstate", {"from": group, "participant": bob.lid}, [Node("composing")]))
    assert (typing.chat.id, typing.who.id, typing.kind, typing.on) == (
        str(group),
        str(bob.lid.bare),
        "text",
        True,
    )  # type: ignore[attr-defined]
    assert react(Node("presence", {"from": group, "count": "3"})) == []

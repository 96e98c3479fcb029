"""Channels (newsletters): posts without encryption, followers, and the few facts that mex asks for."""

from __future__ import annotations

from protocol.jid import NEWSLETTER, Jid
from protocol.node import Attr, Node
from waconnd.sandbox.core import Core
from waconnd.sandbox.state import Account, Channel, Device


def create(core: Core, owner: Account, name: str, description: str) -> Channel:
    """A new channel, followed by its owner."""
    user = f"1203634{core.random.below(10**11):011d}"
    channel = Channel(
        Jid(user, NEWSLETTER),
        name,
        description,
        owner,
        int(core.now),
        core.random(11).hex(),
        {owner.user: owner},
    )
    core.channels[user] = channel
    return channel


def post(core: Core, sender: Device, node: Node, to: Jid) -> None:
    """A message to a channel: numbered, and passed to every follower as it is."""
    channel = core.channels.get(to.user)
    if channel is not None and node.text("type") == "reaction":
        _react(core, sender, node, channel)
        return
    answer: dict[str, Attr] = {"class": "message", "id": node.text("id"), "from": to, "t": core.seconds}
    if channel is None or channel.owner is not sender.account:
        answer["error"] = "404" if channel is None else "401"
    else:
        number = _number_of(channel, node)
        answer["server_id"] = str(number)
        attrs: dict[str, Attr] = {
            "from": channel.jid,
            "id": node.text("id"),
            "type": node.text("type", "text"),
            "t": core.seconds,
            "server_id": str(number),
        }
        children = list(node.children)
        if node.text("edit"):
            attrs["edit"] = node.text("edit")
            children.append(Node("meta", {"msg_edit_t": str(round(core.now * 1000))}))
        channel.posts[number] = copy = Node("message", attrs, children)
        for follower in channel.followers.values():
            for device in follower.devices.values():
                if device is not sender:
                    core.deliver(device, copy)
    if sender.link is not None:
        core.emit(sender.link, Node("ack", answer))


def _number_of(channel: Channel, node: Node) -> int:
    """A new one; a change of a post comes under the post's own id and keeps its number."""
    if node.text("edit"):
        for number, post in channel.posts.items():
            if post.text("id") == node.text("id"):
                return number
    return 100 + len(channel.posts)


def _react(core: Core, sender: Device, node: Node, channel: Channel) -> None:
    """A follower's reaction: counted, and shown to all who follow."""
    number, reaction = node.number("server_id"), node.child("reaction")
    answer: dict[str, Attr] = {
        "class": "message",
        "id": node.text("id"),
        "from": channel.jid,
        "t": core.seconds,
    }
    if number not in channel.posts:
        answer["error"] = "404"
    else:
        held = channel.reactions.setdefault(number, {})
        held.pop(sender.account.user, None)
        emoji = reaction.text("code") if reaction is not None else ""
        if emoji:
            held[sender.account.user] = emoji
        counted = Node("message", {"server_id": str(number)}, [_counts(channel, number)])
        messages = Node("messages", {"jid": channel.jid, "t": core.seconds}, [counted])
        for follower in channel.followers.values():
            for device in follower.devices.values():
                core.notify(device, "newsletter", channel.jid, [Node("live_updates", {}, [messages])])
    if sender.link is not None:
        core.emit(sender.link, Node("ack", answer))


def _counts(channel: Channel, number: int) -> Node:
    codes = list(channel.reactions.get(number, {}).values())
    counted = [
        Node("reaction", {"code": code, "count": str(codes.count(code))}) for code in dict.fromkeys(codes)
    ]
    return Node("reactions", {}, counted)


def shown(channel: Channel, number: int) -> Node:
    """A post as history shows it."""
    post = channel.posts[number]
    attrs = {name: value for name, value in post.attrs.items() if name != "from"}
    return Node("message", attrs, [*post.children, _counts(channel, number)])

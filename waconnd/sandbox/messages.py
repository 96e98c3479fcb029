"""Routing of `<message>`: one stanza in, one stanza for each target device out (reference 02, 13 item 4)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from protocol.jid import BROADCAST, LID, USER, Jid
from protocol.node import Attr, Node
from protocol.signal.phash import participant_hash
from waconnd.sandbox import channels
from waconnd.sandbox.core import Core
from waconnd.sandbox.state import Account, Device, Group

#: Attributes that are for the server and go no further.
FOR_SERVER: Final = frozenset(
    (
        "to",
        "phash",
        "device_fanout",
        "peer_recipient_pn",
        "peer_recipient_lid",
        "recipient_pn",
        "recipient",
        "push_priority",
        "privacy_sensitive",
        "addressing_mode",
        "participant",
        "from",
        "notify",
        "t",
    )
)
#: Children that are moved or are for the server.
NOT_COPIED: Final = frozenset(("participants", "enc", "device-identity", "tctoken", "cstoken"))


def message(core: Core, sender: Device, node: Node) -> None:
    """A message from a device."""
    to = node.need_jid("to")
    error = core.faults.message_error()
    if error:
        _ack(core, sender, node, error=str(error))
    elif to.is_group:
        _to_group(core, sender, node, to)
    elif to.is_broadcast:
        _to_status(core, sender, node, to)
    elif to.is_newsletter:
        channels.post(core, sender, node, to)
    else:
        _to_user(core, sender, node, to)


def _ack(core: Core, sender: Device, node: Node, **attrs: Attr) -> None:
    if sender.link is None:
        return
    head: dict[str, Attr] = {
        "class": "message",
        "id": node.text("id"),
        "from": node.need_jid("to"),
        "t": core.seconds,
    }
    participant = node.attrs.get("participant")
    if participant is not None:
        head["participant"] = participant
    named = core.account(node.jid("to"))
    if named is not None and node.need_jid("to").is_lid and node.need_jid("to").user != named.lid.user:
        head["refresh_lid"] = "true"
    core.emit(sender.link, Node("ack", {**head, **attrs}))


def _head(core: Core, sender: Device, node: Node) -> dict[str, Attr]:
    """The attributes that every copy shares."""
    head = {name: value for name, value in node.attrs.items() if name not in FOR_SERVER}
    head["t"] = core.seconds
    head["notify"] = sender.push_name or sender.account.name
    return head


def _body(node: Node, encs: list[Node]) -> list[Node]:
    """The children of one copy: its ciphertexts, the identity when one opens a session, and all the rest."""
    children = list(encs)
    for child in node.children:
        if child.tag == "device-identity":
            if any(enc.attrs.get("type") == "pkmsg" for enc in encs):
                children.append(child)
        elif child.tag not in NOT_COPIED:
            children.append(child)
    return children


def _envelopes(core: Core, node: Node) -> dict[tuple[str, int], list[Node]]:
    """(user, device) to what `<participants>` holds for it."""
    found: dict[tuple[str, int], list[Node]] = {}
    participants = node.child("participants")
    if participants is not None:
        for to in participants.children:
            jid = to.jid("jid")
            account = core.account(jid)
            encs = list(to.all("enc"))
            if account is not None and jid is not None and encs:
                found[account.user, jid.device] = encs
    return found


def _to_user(core: Core, sender: Device, node: Node, to: Jid) -> None:
    account = core.account(to)
    if account is None:
        _ack(core, sender, node, error="404")
        return
    server = LID if to.is_lid else USER
    head = _head(core, sender, node)
    blocked = sender.account.user in account.blocked
    direct = list(node.all("enc"))
    if direct:
        _ack(core, sender, node)
        target = account.devices.get(to.device)
        if target is not None and not blocked:
            _hand_over(core, sender, target, node, head, direct, server, _chat_of_copy(node, sender, account))
        return
    envelopes = _envelopes(core, node)
    expected = {(account.user, n) for n in account.devices} | {
        (sender.account.user, n) for n in sender.account.devices
    }
    expected.discard((sender.account.user, sender.number))
    if envelopes.keys() == expected:
        _ack(core, sender, node)
    else:
        everyone = [*account.devices.values(), *sender.account.devices.values()]
        _ack(core, sender, node, phash=participant_hash({d.named(server) for d in everyone}))
    for (user, number), encs in envelopes.items():
        owner = core.accounts[user]
        target = owner.devices.get(number)
        if target is None or target is sender:
            continue
        if owner is sender.account:
            chat = None if account is sender.account else account
            _hand_over(core, sender, target, node, head, encs, server, chat)
        elif not blocked:
            _hand_over(core, sender, target, node, head, encs, server, None)
    if not blocked:
        for user, number in sorted(expected - envelopes.keys()):
            target = core.accounts[user].devices[number]
            if user == account.user and number:
                _hand_over(core, sender, target, node, head, [Node("unavailable")], server, None)


def _chat_of_copy(node: Node, sender: Device, account: Account) -> Jid | None:
    """The chat that a re-sent own copy names in `recipient`."""
    return node.jid("recipient") if account is sender.account else None


def _hand_over(
    core: Core,
    sender: Device,
    target: Device,
    node: Node,
    head: dict[str, Attr],
    encs: list[Node],
    server: str,
    chat: Account | Jid | None,
) -> None:
    """One copy of a direct message for one device."""
    mine = target.account is sender.account
    attrs = {**head, "from": sender.named(server)}
    if mine:
        if isinstance(chat, Account):
            attrs["recipient"] = chat.named(server)
            attrs["peer_recipient_pn" if server == LID else "peer_recipient_lid"] = (
                chat.pn if server == LID else chat.lid
            )
        elif chat is not None:
            attrs["recipient"] = chat
    else:
        attrs["sender_pn" if server == LID else "sender_lid"] = (
            sender.account.pn if server == LID else sender.account.lid
        )
    copy = Node("message", attrs, _body(node, encs))
    core.deliver(target, copy, own=mine and node.text("category") != "peer")


def _to_group(core: Core, sender: Device, node: Node, to: Jid) -> None:
    group = core.group(to)
    if group is None or group.members.get(sender.account.user) is None:
        _ack(core, sender, node, error="404" if group is None else "403")
        return
    if "announcement" in group.flags and not group.is_admin(sender.account):
        _ack(core, sender, node, error="401")
        return
    mode = node.text("addressing_mode")
    if mode and mode != group.addressing_mode and node.child("participants") is not None:
        _ack(core, sender, node, error="421", addressing_mode=group.addressing_mode)
        return
    head = _head(core, sender, node)
    head["from"] = group.jid
    head["addressing_mode"] = group.addressing_mode
    _sign(head, sender, group)
    only = core.device(node.jid("participant"))
    if only is not None:
        _ack(core, sender, node)
        core.deliver(
            only,
            Node("message", head, _body(node, list(node.all("enc")))),
            own=only.account is sender.account,
        )
        return
    hashed = node.text("phash")
    if hashed:
        actual = participant_hash(d.named(group.server) for d in group_devices(group))
        _ack(core, sender, node, **({} if actual == hashed else {"phash": actual}))
    else:
        _ack(core, sender, node)
    _fan_out(core, sender, node, head, group_devices(group))


def group_devices(group: Group) -> Iterable[Device]:
    """Every device of every member."""
    for member in group.members.values():
        yield from member.account.devices.values()


def _sign(head: dict[str, Attr], sender: Device, group: Group) -> None:
    head["participant"] = sender.named(group.server)
    if group.server == LID:
        head["participant_pn"] = sender.account.pn
    else:
        head["participant_lid"] = sender.account.lid


def _fan_out(
    core: Core, sender: Device, node: Node, head: dict[str, Attr], targets: Iterable[Device]
) -> None:
    """The shared ciphertext for everybody, behind what only that device may read."""
    shared = list(node.all("enc"))
    envelopes = _envelopes(core, node)
    plain = Node("message", head, _body(node, shared))
    for target in targets:
        if target is sender:
            continue
        encs = envelopes.get((target.account.user, target.number))
        copy = plain if encs is None else Node("message", head, _body(node, encs + shared))
        core.deliver(target, copy, own=target.account is sender.account)


def _to_status(core: Core, sender: Device, node: Node, to: Jid) -> None:
    """A status reaches whom the stanza names, the contacts who have the sender saved, and own devices."""
    _ack(core, sender, node)
    named: dict[str, Account] = {sender.account.user: sender.account}
    participants = node.child("participants")
    for child in participants.children if participants is not None else ():
        account = core.account(child.jid("jid"))
        if account is not None:
            named[account.user] = account
    for user in sorted(sender.account.contacts):
        if user in core.accounts:
            named[user] = core.accounts[user]
    head = _head(core, sender, node)
    head["from"] = Jid("status", BROADCAST)
    head["participant"] = sender.lid
    head["participant_pn"] = sender.account.pn
    only = core.device(node.jid("participant"))
    if only is not None:
        core.deliver(only, Node("message", head, _body(node, list(node.all("enc")))))
        return
    _fan_out(core, sender, node, head, [d for a in named.values() for d in a.devices.values()])

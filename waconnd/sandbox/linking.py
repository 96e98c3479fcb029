"""The server's half of linking a companion: refs, pair-success, the companion's signature, link codes, removal."""

from __future__ import annotations

from base64 import b64encode
from typing import Final

from protocol.errors import RemoteProtocolError
from protocol.flows.phone import Vouched, complete
from protocol.jid import Jid
from protocol.node import Attr, BadNode, Content, Node
from protocol.signal.phash import participant_hash
from protocol.stanza import linkcode, pairing
from protocol.stanza.admission import Newcomer
from waconnd.sandbox.core import Core, Refused
from waconnd.sandbox.session import refuse, stream_error
from waconnd.sandbox.state import Account, Device, Link, LinkCode, PendingPairing, Registration, SignedKey

#: Seconds for the companion to sign.
SIGN_SECONDS: Final = 30.0


def register(core: Core, link: Link, who: Newcomer) -> None:
    """An unpaired companion: offer refs."""
    if who.version[2] < core.knobs.oldest_revision:
        refuse(core, link, 405)
        return
    link.registration = Registration(who)
    link.refs = [f"2@{b64encode(core.random(48)).decode()}" for _ in range(core.knobs.refs)]
    for ref in link.refs:
        core.refs[ref] = link
    core.emit(link, pairing.pair_device(core.serial(), link.refs))
    lifetime = core.knobs.first_ref + core.knobs.next_ref * (core.knobs.refs - 1)
    core.at(core.now + lifetime, lambda: _expire(core, link))


def _expire(core: Core, link: Link) -> None:
    if link.pairing is None and not link.closed:
        core.end(link, "the last ref expired")


def pair(core: Core, link: Link, account: Account, number: int, vouched: Vouched) -> None:
    """The phone agreed: hand its signed identity to the companion."""
    success = pairing.PairSuccess(
        vouched.container,
        account.pn.on(number),
        account.lid.on(number),
        account.platform,
        account.business_name,
        lid_migrated=account.lid_migrated,
        server_time=int(core.now),
    )
    id = core.serial()
    link.pairing = PendingPairing(account, number, vouched)
    link.awaiting[id] = "pair-success"
    core.emit(link, pairing.pair_success(id, success))

    def give_up() -> None:
        if link.pairing is not None and not link.closed:
            core.end(link, "no signature came")

    core.at(core.now + SIGN_SECONDS, give_up)


def signed(core: Core, link: Link, node: Node) -> None:
    """The companion's answer to pair-success."""
    pending, registration = link.pairing, link.registration
    link.pairing = None
    if pending is None or registration is None:
        return
    if node.text("type") != "result":
        core.complain(f"{pending.account.pn}: the companion refused: {node.child('error')}")
        core.end(link, "the companion refused to pair")
        return
    who, account = registration.who, pending.account
    try:
        identity = complete(pending.vouched, who.identity, *pairing.read_signed(node))
    except RemoteProtocolError as error:
        core.complain(f"{account.pn}: {error}")
        refuse(core, link, 401)
        return
    account.devices[pending.number] = device = Device(
        account=account,
        number=pending.number,
        identity=who.identity,
        registration_id=who.registration_id,
        signed=SignedKey(who.signed_pre_key_id, who.signed_pre_key, who.signature),
        pn=account.pn.on(pending.number),
        lid=account.lid.on(pending.number),
        noise=link.static,
        key_index=pending.vouched.key_index,
        platform=who.platform_type,
        device_identity=identity,
    )
    stream_error(core, link, 515)
    announce(core, device, "add")


def announce(core: Core, device: Device, change: str) -> None:
    """Tell contacts, group members and the own devices that the device list is another one."""
    account = device.account
    account.key_list, account.key_list_at = core.sign_devices(account), int(core.now)
    entry: dict[str, Attr] = {"jid": device.pn, "lid": device.lid}
    if change == "add":
        entry["key-index"] = str(device.key_index)
    shown: Content = account.key_list if change == "add" else None
    hashes: dict[str, Attr] = {
        "device_hash": participant_hash(d.pn for d in account.devices.values()),
        "device_lid_hash": participant_hash(d.lid for d in account.devices.values()),
    }
    listed = Node("key-index-list", {"ts": str(account.key_list_at)}, shown)
    content = [Node(change, hashes, [Node("device", entry), listed])]
    for other in acquaintances(core, account):
        for target in other.devices.values():
            core.notify(target, "devices", account.pn, content, lid=account.lid)
    everything = Node("devices", {"dhash": hashes["device_hash"]}, _own_list(account))
    for target in account.devices.values():
        if target is not device:
            core.notify(target, "account_sync", account.pn, [everything])


def _own_list(account: Account) -> list[Node]:
    nodes = []
    for device in account.devices.values():
        attrs: dict[str, Attr] = {"jid": device.pn}
        if device.number:
            attrs["key-index"] = str(device.key_index)
        nodes.append(Node("device", attrs))
    nodes.append(Node("key-index-list", {"ts": str(account.key_list_at)}, account.key_list))
    return nodes


def acquaintances(core: Core, account: Account) -> list[Account]:
    """Everybody who has the account saved or shares a group with it."""
    found = {other.user: other for other in core.accounts.values() if account.user in other.contacts}
    for group in core.groups.values():
        if account.user in group.members:
            found.update((user, member.account) for user, member in group.members.items())
    found.pop(account.user, None)
    return list(found.values())


def remove(core: Core, device: Device) -> None:
    """Unlink a companion, whoever asked."""
    account = device.account
    account.devices.pop(device.number, None)
    device.queue.clear()
    if device.link is not None:
        stream_error(core, device.link, 401, Node("conflict", {"type": "device_removed"}))
    announce(core, device, "remove")


def companion_iq(core: Core, link: Link, iq: Node) -> list[Node]:
    """`md` requests of a connection that has no account yet."""
    registration = link.registration
    if registration is None:
        raise Refused(400, "bad-request")
    if iq.child("link_code_companion_reg") is None:
        return core.on_passkey(link, iq)
    stage = iq.need("link_code_companion_reg")
    match stage.text("stage"):
        case linkcode.HELLO:
            return [_hello(core, registration, iq)]
        case linkcode.FINISH if registration.link_code is not None:
            _, bundle, identity = linkcode.read_companion_finish(iq)
            registration.link_code.finish = (bundle, identity)
            core.on_code_finished(link)
            return []
        case "get_country_code":
            return [Node("country_code", {"iso": "US"})]
    raise Refused(400, "bad-request")


def _hello(core: Core, registration: Registration, iq: Node) -> Node:
    if core.faults.link_code_error:
        code, core.faults.link_code_error = core.faults.link_code_error, 0
        raise Refused(code, "bad-request" if code == 400 else "refused")
    try:
        hello = linkcode.read_companion_hello(iq)
    except BadNode as error:
        raise Refused(400, "bad-request") from error
    if hello.number not in core.accounts:
        raise Refused(400, "bad-request")
    ref = b64encode(core.random(24))
    registration.link_code = LinkCode(hello.number, hello.wrapped, ref)
    return linkcode.hello_answer(iq, ref).need(linkcode.TYPE)


def primary_hello(core: Core, link: Link, wrapped: bytes, identity: bytes) -> None:
    """The phone typed the code: tell the companion."""
    registration = link.registration
    if registration is None or registration.link_code is None:
        return
    hello = linkcode.PrimaryHello(registration.link_code.ref, wrapped, identity)
    core.emit(link, linkcode.primary_hello(core.serial(), core.now, hello))


def waiting_for_code(core: Core, pn: Jid) -> Link | None:
    """The newest connection that shows a link code for this number."""
    for link in reversed(core.links.values()):
        registration = link.registration
        if (
            registration is not None
            and registration.link_code is not None
            and registration.link_code.pn == pn.user
        ):
            return link
    return None

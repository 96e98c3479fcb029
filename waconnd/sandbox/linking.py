"""The server's half of linking a companion: refs, pair-success, the companion's signature, link codes, removal."""

from __future__ import annotations

from base64 import b64encode
from typing import Final

from protocol.crypto.xeddsa import verify
from protocol.jid import SERVER, Jid
from protocol.node import Attr, Content, Node
from protocol.pb.adv_pb2 import ADVSignedDeviceIdentity
from protocol.pb.login_pb2 import ClientPairingProps, ClientPayload, DeviceProps
from protocol.signal.phash import participant_hash
from waconnd.sandbox.core import Core, Refused, server_iq
from waconnd.sandbox.session import refuse, stream_error
from waconnd.sandbox.state import Account, Device, Link, LinkCode, PendingPairing, Registration, SignedKey

#: Lengths of the fields of a registration (reference 01, 4.5).
LENGTHS: Final = (4, 1, 32, 3, 32, 64, 16)
#: Seconds for the companion to sign.
SIGN_SECONDS: Final = 30.0
ACCOUNT_SIGNED: Final = b"\x06\x01"
WRAPPED_KEY: Final = 80


def register(core: Core, link: Link, payload: ClientPayload) -> None:
    """An unpaired companion: check what it shows, offer refs."""
    data = payload.devicePairingData
    parts = (
        data.eRegid,
        data.eKeytype,
        data.eIdent,
        data.eSkeyId,
        data.eSkeyVal,
        data.eSkeySig,
        data.buildHash,
    )
    if tuple(map(len, parts)) != LENGTHS or not verify(data.eIdent, b"\x05" + data.eSkeyVal, data.eSkeySig):
        refuse(core, link, 400)
        return
    if payload.userAgent.appVersion.tertiary < core.knobs.oldest_revision:
        refuse(core, link, 405)
        return
    link.registration = Registration(
        int.from_bytes(data.eRegid, "big"),
        data.eIdent,
        SignedKey(int.from_bytes(data.eSkeyId, "big"), data.eSkeyVal, data.eSkeySig),
        data.deviceProps,
    )
    link.refs = [f"2@{b64encode(core.random(48)).decode()}" for _ in range(core.knobs.refs)]
    for ref in link.refs:
        core.refs[ref] = link
    refs = [Node("ref", {}, ref.encode()) for ref in link.refs]
    core.emit(link, server_iq(core, "set", "md", [Node("pair-device", {}, refs)]))
    lifetime = core.knobs.first_ref + core.knobs.next_ref * (core.knobs.refs - 1)
    core.at(core.now + lifetime, lambda: _expire(core, link))


def _expire(core: Core, link: Link) -> None:
    if link.pairing is None and not link.closed:
        core.end(link, "the last ref expired")


def pair(
    core: Core, link: Link, account: Account, number: int, key_index: int, details: bytes, container: bytes
) -> None:
    """The phone agreed: hand its signed identity to the companion."""
    signed = ADVSignedDeviceIdentity.FromString(_container_details(container))
    props = ClientPairingProps(isChatDbLidMigrated=account.lid_migrated, isSyncdPureLidSession=False)
    children = [
        Node("platform", {"name": account.platform}),
        Node("device-identity", {}, container),
        Node("device", {"jid": account.pn.on(number), "lid": account.lid.on(number)}),
        Node("client-props", {}, props.SerializeToString()),
    ]
    if account.business_name:
        children.insert(0, Node("biz", {"name": account.business_name}))
    iq = server_iq(core, "set", "md", [Node("pair-success", {}, children)], t=core.seconds)
    link.pairing = PendingPairing(account, number, key_index, details, signed.accountSignature, iq.text("id"))
    link.awaiting[iq.text("id")] = "pair-success"
    core.emit(link, iq)

    def give_up() -> None:
        if link.pairing is not None and not link.closed:
            core.end(link, "no signature came")

    core.at(core.now + SIGN_SECONDS, give_up)


def _container_details(container: bytes) -> bytes:
    from protocol.pb.adv_pb2 import ADVSignedDeviceIdentityHMAC

    return ADVSignedDeviceIdentityHMAC.FromString(container).details


def signed(core: Core, link: Link, node: Node) -> None:
    """The companion's answer to pair-success."""
    pending, registration = link.pairing, link.registration
    link.pairing = None
    if pending is None or registration is None:
        return
    if node.text("type") != "result":
        core.complaints.append(f"{pending.account.pn}: the companion refused: {node.child('error')}")
        core.end(link, "the companion refused to pair")
        return
    shown = node.need("pair-device-sign").need("device-identity")
    identity = ADVSignedDeviceIdentity.FromString(shown.content_bytes())
    account_key = pending.account.devices[0].identity
    proof = ACCOUNT_SIGNED + pending.details + registration.identity + account_key
    if (
        identity.details != pending.details
        or shown.number("key-index", -1) != pending.key_index
        or not verify(registration.identity, proof, identity.deviceSignature)
    ):
        core.complaints.append(f"{pending.account.pn}: the companion's signature is wrong")
        refuse(core, link, 401)
        return
    identity.accountSignatureKey = account_key
    identity.accountSignature = pending.account_signature
    account = pending.account
    account.devices[pending.number] = device = Device(
        account=account,
        number=pending.number,
        identity=registration.identity,
        registration_id=registration.registration_id,
        signed=registration.signed,
        pn=account.pn.on(pending.number),
        lid=account.lid.on(pending.number),
        noise=link.static,
        key_index=pending.key_index,
        platform=DeviceProps.FromString(registration.device_props).platformType,
        device_props=registration.device_props,
        device_identity=identity.SerializeToString(),
    )
    stream_error(core, link, 515)
    core.on_linked(device)
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
    stage = iq.child("link_code_companion_reg")
    if registration is None or stage is None:
        raise Refused(400, "bad-request")
    match stage.text("stage"):
        case "companion_hello":
            return [_hello(core, registration, stage)]
        case "companion_finish" if registration.link_code is not None:
            registration.link_code.finish = (
                stage.need("link_code_pairing_wrapped_key_bundle").content_bytes(),
                stage.need("companion_identity_public").content_bytes(),
            )
            core.on_code_finished(link)
            return []
        case "get_country_code":
            return [Node("country_code", {"iso": "US"})]
    raise Refused(400, "bad-request")


def _hello(core: Core, registration: Registration, stage: Node) -> Node:
    if core.faults.link_code_error:
        code, core.faults.link_code_error = core.faults.link_code_error, 0
        raise Refused(code, "bad-request" if code == 400 else "refused")
    jid = stage.jid("jid")
    wrapped = stage.need("link_code_pairing_wrapped_companion_ephemeral_pub").content_bytes()
    if core.account(jid) is None or jid is None or len(wrapped) != WRAPPED_KEY:
        raise Refused(400, "bad-request")
    display = stage.child("companion_platform_display")
    shown = display.content_text() if display is not None else ""
    if not 1 <= len(shown) <= 100:
        raise Refused(400, "bad-request")
    ref = b64encode(core.random(24))
    registration.link_code = LinkCode(jid.user, wrapped, ref, shown)
    return Node(
        "link_code_companion_reg",
        {"stage": "companion_hello"},
        [Node("link_code_pairing_ref", {}, ref)],
    )


def primary_hello(core: Core, link: Link, wrapped: bytes, identity: bytes) -> None:
    """The phone typed the code: tell the companion."""
    registration = link.registration
    if registration is None or registration.link_code is None:
        return
    children = [
        Node("link_code_pairing_ref", {}, registration.link_code.ref),
        Node("link_code_pairing_wrapped_primary_ephemeral_pub", {}, wrapped),
        Node("primary_identity_pub", {}, identity),
    ]
    stage = Node("link_code_companion_reg", {"stage": "primary_hello"}, children)
    attrs: dict[str, Attr] = {
        "from": SERVER,
        "type": "link_code_companion_reg",
        "id": core.serial(),
        "t": core.seconds,
    }
    core.emit(link, Node("notification", attrs, [stage]))


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

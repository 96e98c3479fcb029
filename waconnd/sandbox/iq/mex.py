"""GraphQL over iq, as little of it as clients need: persisted ids to answers (reference 04, 5.1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from protocol.node import Node
from waconnd.sandbox import channels
from waconnd.sandbox.core import Core
from waconnd.sandbox.state import Channel, Device

Variables = dict[str, Any]
Operation = Callable[[Core, Device, Variables], tuple[str, object]]


class Unknown(Exception):
    """No such operation, or nothing under that key."""


def handle(core: Core, device: Device, iq: Node) -> list[Node]:
    """`xmlns="w:mex"`."""
    query = iq.need("query")
    body = msgspec.json.decode(query.content_bytes() or b"{}", type=dict[str, Any])
    try:
        operation = OPERATIONS.get(query.text("query_id"))
        if operation is None:
            raise Unknown("unknown operation")
        name, value = operation(core, device, body.get("variables") or {})
        answer: dict[str, object] = {"data": {name: value}}
    except Unknown as error:
        extensions = {"error_code": 400, "is_retryable": False, "severity": "CRITICAL"}
        answer = {"data": None, "errors": [{"message": str(error), "path": [], "extensions": extensions}]}
    return [Node("result", {}, msgspec.json.encode(answer))]


def _time_lock(core: Core, device: Device, given: Variables) -> tuple[str, object]:
    return "xwa2_fetch_account_reachout_timelock", {"is_active": False, "time_enforcement_ends": "0"}


def _cap(core: Core, device: Device, given: Variables) -> tuple[str, object]:
    return "xwa2_message_capping_info", {"total_quota": -1, "used_quota": 0, "capping_status": "NONE"}


def _channel(core: Core, key: object) -> Channel:
    text = str(key)
    for channel in core.channels.values():
        if text in (str(channel.jid), channel.invite):
            return channel
    raise Unknown("no such channel")


def _metadata(channel: Channel, device: Device) -> dict[str, object]:
    user = device.account.user
    role = (
        "OWNER" if channel.owner is device.account else "SUBSCRIBER" if user in channel.followers else "GUEST"
    )
    stamp = f"{channel.created}000000"
    return {
        "id": str(channel.jid),
        "state": {"type": "ACTIVE"},
        "thread_metadata": {
            "creation_time": str(channel.created),
            "name": {"id": "1", "text": channel.name, "update_time": stamp},
            "description": {"id": "1", "text": channel.description, "update_time": stamp},
            "invite": channel.invite,
            "handle": None,
            "subscribers_count": str(len(channel.followers)),
            "verification": "UNVERIFIED",
            "picture": {"id": "0", "type": "IMAGE", "direct_path": ""},
            "preview": {"id": "0", "type": "PREVIEW", "direct_path": ""},
            "settings": {"reaction_codes": {"value": "ALL"}},
        },
        "viewer_metadata": {"mute": "ON" if user in channel.muted else "OFF", "role": role},
    }


def _create(core: Core, device: Device, given: Variables) -> tuple[str, object]:
    wanted = given.get("input") or given.get("newsletter_input") or {}
    channel = channels.create(
        core, device.account, str(wanted.get("name", "")), str(wanted.get("description") or "")
    )
    return "xwa2_newsletter_create", _metadata(channel, device)


def _info(core: Core, device: Device, given: Variables) -> tuple[str, object]:
    return "xwa2_newsletter", _metadata(_channel(core, given.get("input", {}).get("key")), device)


def _follow(core: Core, device: Device, given: Variables) -> tuple[str, object]:
    channel = _channel(core, given.get("newsletter_id"))
    channel.followers[device.account.user] = device.account
    return "xwa2_newsletter_join_v2", {"id": str(channel.jid)}


def _unfollow(core: Core, device: Device, given: Variables) -> tuple[str, object]:
    channel = _channel(core, given.get("newsletter_id"))
    channel.followers.pop(device.account.user, None)
    return "xwa2_newsletter_leave_v2", {"id": str(channel.jid)}


def _mute(core: Core, device: Device, given: Variables) -> tuple[str, object]:
    channel = _channel(core, given.get("newsletter_id"))
    channel.muted.add(device.account.user)
    return "xwa2_newsletter_mute_v2", {"id": str(channel.jid)}


def _unmute(core: Core, device: Device, given: Variables) -> tuple[str, object]:
    channel = _channel(core, given.get("newsletter_id"))
    channel.muted.discard(device.account.user)
    return "xwa2_newsletter_unmute_v2", {"id": str(channel.jid)}


def _delete(core: Core, device: Device, given: Variables) -> tuple[str, object]:
    channel = _channel(core, given.get("newsletter_id"))
    if channel.owner is not device.account:
        raise Unknown("only the owner may delete a channel")
    core.channels.pop(channel.jid.user, None)
    return "xwa2_newsletter_delete_v2", {"id": str(channel.jid)}


def _subscribed(core: Core, device: Device, given: Variables) -> tuple[str, object]:
    user = device.account.user
    mine = [_metadata(channel, device) for channel in core.channels.values() if user in channel.followers]
    return "xwa2_newsletter_subscribed", mine


def _ids(*rows: tuple[Operation, str]) -> dict[str, Operation]:
    return {id: operation for operation, ids in rows for id in ids.split()}


#: Persisted ids of each operation, old and new ones (reference 04, 5.3).
OPERATIONS: Final = _ids(
    (_time_lock, "23983697327930364"),
    (_cap, "27910975521856601 24503548349331633"),
    (_info, "27456920720571478 6563316087068696 25383075034668475 26944199458535748 7272540469429201"),
    (_subscribed, "25399611239711790 6388546374527196 33101596156151910"),
    (_create, "25149874324715067 6234210096708695 8823471724422422"),
    (_follow, "24404358912487870 9926858900719341"),
    (_unfollow, "9767147403369991 6392786840836363"),
    (_mute, "29766401636284406 6274038279359549"),
    (_unmute, "9864994326891137 6068417879924485"),
    (_delete, "30062808666639665"),
)

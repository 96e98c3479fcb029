"""`chat.*`: the list that a person sees, and what a person does to it."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from protocol.appstate import edits
from protocol.appstate.patch import Change
from protocol.content import Options, acts, build
from protocol.events.state import FOREVER
from protocol.flows import history, people
from protocol.jid import Jid, parse
from waconnd import state
from waconnd.account import Account
from waconnd.address import resolve
from waconnd.api.host import fleet
from waconnd.compose import targets
from waconnd.fleet import Fleet
from waconnd.outgoing import Parcel, digest, post
from waconnd.rpc.caller import Call
from waconnd.rpc.declare import Done, Params, Result, Scope, method
from waconnd.rpc.errors import RpcError
from waconnd.rpc.times import parse_time, rfc3339
from waconnd.store.archive import Chat, NotFound

#: Of one answer: a screen, and far from what one write to a client holds.
PAGE: Final = 200
#: Messages of one request for older ones.
MOST_HISTORY: Final = 50
STATE_ERRORS: Final = ("not_ready", "not_linked", "not_found", "server_error")

ChatOf = Annotated[str, Meta(description="A number, an address, a group, a channel or `alias:NAME`.")]
DONE: Final = Done(ok=True)


class LastMessage(Result, frozen=True, kw_only=True):
    """What the list shows of the newest message."""

    id: str
    kind: str
    text: str = ""
    from_me: bool = False


class ChatResult(Result, frozen=True, kw_only=True):
    """A chat as the archive knows it."""

    id: str
    kind: Annotated[str, Meta(description="user, group, channel, broadcast or status.")]
    name: str = ""
    pn: str = ""
    unread: Annotated[int, Meta(description="Messages that nobody has read.")] = 0
    marked_unread: bool = False
    last_at: str | None = None
    last: LastMessage | None = None
    archived: bool = False
    pinned: bool = False
    pinned_at: str | None = None
    muted: bool = False
    muted_until: Annotated[str | None, Meta(description="Absent while muted: for ever.")] = None
    locked: bool = False
    timer_s: Annotated[int, Meta(description="Messages disappear after so long; 0: never.")] = 0
    labels: list[str] = []
    note: Annotated[str, Meta(description="The user's own, written in the app.")] = ""
    local: Annotated[dict[str, Any], Meta(description="Your own members.")] = {}


def shown(account: Account, chat: Chat) -> ChatResult:
    """A row as the socket shows it."""
    now = account.now() * 1000
    muted = chat.muted_until > now
    forever = chat.muted_until >= FOREVER * 1000 - 1000
    return ChatResult(
        id=chat.id,
        kind=chat.kind,
        name=chat.name,
        pn=_number(account, chat.id) if chat.kind == "user" else "",
        unread=chat.unread,
        marked_unread=chat.marked_unread,
        last_at=rfc3339(chat.last_at / 1000) if chat.last_at else None,
        last=_last(chat),
        archived=chat.archived,
        pinned=chat.pinned_at > 0,
        pinned_at=rfc3339(chat.pinned_at / 1000) if chat.pinned_at > 1 else None,
        muted=muted,
        muted_until=rfc3339(chat.muted_until / 1000) if muted and not forever else None,
        locked=bool(chat.info.get("locked")),
        timer_s=chat.timer_s,
        labels=chat.labels,
        note=str(chat.info.get("note", "")),
        local=chat.local,
    )


def _number(account: Account, id: str) -> str:
    return people.person(account.keystore, parse(id)).pn


def _last(chat: Chat) -> LastMessage | None:
    if not chat.last_id:
        return None
    data: dict[str, Any] = msgspec.json.decode(chat.last) if chat.last else {}
    body = data.get("body", {})
    return LastMessage(
        id=chat.last_id,
        kind=chat.last_kind,
        text=str(body.get("text") or body.get("caption") or "")[:200],
        from_me=bool(data.get("from_me")),
    )


async def find(fleet: Fleet, account: Account, text: str) -> Jid:
    """The chat by its one name."""
    return targets.canonical(account, await resolve(fleet, account.name, text))


class ListParams(Params, frozen=True, kw_only=True):
    kinds: list[Literal["user", "group", "channel", "broadcast", "status"]] = []
    unread: bool | None = None
    archived: bool | None = None
    name: Annotated[str, Meta(description="A part of the name.")] = ""
    label: Annotated[str, Meta(description="Only chats with this label.")] = ""
    limit: Annotated[int, Meta(ge=1, le=PAGE)] = 50
    cursor: Annotated[str, Meta(description="`next` of the page before.")] = ""


class ListResult(Result, frozen=True):
    chats: list[ChatResult]
    next: Annotated[str, Meta(description="Go on with it as `cursor`; absent on the last page.")] = ""


@method("chat.list", scope=Scope.READ, account=True, example={"unread": True, "limit": 20})
async def list_(call: Call, params: ListParams) -> ListResult:
    """Chats, the latest first."""
    account = fleet(call).get(call.account)
    found = await fleet(call).archive.chats.page(
        call.account,
        after=params.cursor,
        limit=params.limit,
        kinds=tuple(params.kinds),
        unread=params.unread,
        archived=params.archived,
        name=params.name,
        label=params.label,
    )
    more = found[-1].position if len(found) == params.limit else ""
    return ListResult([shown(account, chat) for chat in found], more)


class GetParams(Params, frozen=True):
    chat: ChatOf


@method("chat.get", scope=Scope.READ, account=True, errors=("not_found",), example={"chat": "+15550002222"})
async def get(call: Call, params: GetParams) -> ChatResult:
    """One chat."""
    all = fleet(call)
    account = all.get(call.account)
    place = await find(all, account, params.chat)
    return shown(account, await all.archive.chats.get(call.account, str(place)))


class UpdateParams(Params, frozen=True, kw_only=True):
    chat: ChatOf
    archived: bool | None = None
    pinned: Annotated[bool | None, Meta(description="The apps show three pinned chats.")] = None
    muted_until: Annotated[
        str | None, Meta(description="A time (RFC 3339), `forever`, or an empty string: no longer muted.")
    ] = None
    unread: Annotated[
        bool | None, Meta(description="Mark as unread, or as read here and on your other devices.")
    ] = None
    locked: bool | None = None
    timer_s: Annotated[
        Literal[0, 86400, 604800, 7776000] | None,
        Meta(description="Messages disappear after so long. For groups see `group.update`."),
    ] = None
    labels: Annotated[list[str] | None, Meta(description="Ids; they replace those it has.")] = None
    local: Annotated[
        dict[str, Any] | None,
        Meta(description="Your own members: merged, null removes one. WhatsApp never sees them."),
    ] = None


@method(
    "chat.update",
    scope=Scope.SEND,
    account=True,
    errors=STATE_ERRORS,
    example={"chat": "+15550002222", "archived": True},
)
async def update(call: Call, params: UpdateParams) -> ChatResult:
    """Archive, pin, mute, mark, label a chat, set its timer, or note something on it. Other devices follow."""
    all = fleet(call)
    account = all.get(call.account)
    place = await find(all, account, params.chat)
    members: dict[str, Any] = {}
    changes = await _changes(all, account, place, params, members)
    if changes:
        await state.write(account, changes)
    if params.timer_s is not None:
        await _set_timer(call, all, account, place, params.timer_s)
        members["timer_s"] = params.timer_s
    if members or params.local is not None:
        # The same comes as an event a moment later; who asks at once shall see it already.
        await all.archive.chats.update(call.account, str(place), members)
    if params.local is not None:
        try:
            await all.archive.chats.note(call.account, str(place), params.local)
        except ValueError as error:
            raise RpcError("invalid_params", str(error), path="$.local") from None
    return shown(account, await all.archive.chats.get(call.account, str(place)))


async def _changes(
    all: Fleet, account: Account, place: Jid, params: UpdateParams, members: dict[str, Any]
) -> list[Change]:
    now = account.now()
    changes: list[Change] = []
    if params.muted_until is not None:
        until = _until(params.muted_until)
        changes += edits.mute(state.address(account, place, "mute"), until, now)
        members["muted_until"] = 0 if until is None else FOREVER if until < 0 else until
    if params.archived is not None or params.unread is not None:
        last = await state.last(all, account, place)
        if params.archived is not None:
            changes += edits.archive(state.address(account, place, "archive"), params.archived, last, now)
            members["archived"] = params.archived
            if params.archived:
                members["pinned"] = False
        if params.unread is not None:
            name = state.address(account, place, "markChatAsRead")
            changes += edits.mark(name, not params.unread, last, now)
            members["unread"] = params.unread
    if params.pinned is not None:
        changes += edits.pin(state.address(account, place, "pin_v1"), params.pinned, now)
        members |= {"pinned": params.pinned, "pinned_at": now if params.pinned else 0}
    if params.locked is not None:
        changes += edits.lock(state.address(account, place, "lock"), params.locked, now)
        members["locked"] = params.locked
    if params.labels is not None:
        changes += await _labels(all, account, place, params.labels)
        members["labels"] = list(dict.fromkeys(params.labels))
    return changes


async def _labels(all: Fleet, account: Account, place: Jid, wanted: list[str]) -> list[Change]:
    known = {label.id for label in await all.archive.settings.labels(account.name)}
    strange = [label for label in wanted if label not in known]
    if strange:
        raise RpcError(
            "not_found", f"there is no label {strange[0]!r}; `label.list` shows them", path="$.labels"
        )
    try:
        held = (await all.archive.chats.get(account.name, str(place))).labels
    except NotFound:
        held = []
    now = account.now()
    changes: list[Change] = []
    for label in sorted({*held, *wanted}):
        if (label in held) != (label in wanted):
            name = state.address(account, place, "label_jid", label)
            changes += edits.label_chat(label, name, label in wanted, now)
    return changes


def _until(text: str) -> float | None:
    if not text:
        return None
    if text == "forever":
        return -1.0
    try:
        return parse_time(text)
    except ValueError as error:
        raise RpcError("invalid_params", str(error), path="$.muted_until") from None


async def _set_timer(call: Call, all: Fleet, account: Account, place: Jid, seconds: int) -> None:
    if not place.is_user:
        raise RpcError(
            "invalid_params",
            "this is no chat with one person; for groups use `group.update`",
            path="$.timer_s",
        )
    message = build("timer", acts.Timer(ttl_s=seconds, set_at=int(account.now())), Options())
    parcel = Parcel(
        to=place,
        message=message,
        via=call.peer.user,
        key=call.key or "",
        hash=digest(call.method, [str(place), seconds]),
        free=True,
    )
    await post(all, account, parcel, "server", call.timeout_s)


class DeleteParams(Params, frozen=True, kw_only=True):
    chat: ChatOf
    keep_starred: Annotated[bool, Meta(description="Starred messages, and with them the chat, stay.")] = False


@method("chat.delete", scope=Scope.SEND, account=True, errors=STATE_ERRORS, example={"chat": "+15550002222"})
async def delete(call: Call, params: DeleteParams) -> Done:
    """Remove a chat with its messages, on all your devices. Nobody else notices."""
    all = fleet(call)
    account = all.get(call.account)
    place = await find(all, account, params.chat)
    last = await state.last(all, account, place)
    if params.keep_starred:
        name = state.address(account, place, "clearChat")
        await state.write(account, edits.clear(name, last, account.now(), keep_starred=True))
    else:
        name = state.address(account, place, "deleteChat")
        await state.write(account, edits.delete_chat(name, last, account.now()))
    return DONE


@method("chat.clear", scope=Scope.SEND, account=True, errors=STATE_ERRORS, example={"chat": "+15550002222"})
async def clear(call: Call, params: DeleteParams) -> Done:
    """Remove the messages of a chat, on all your devices; the chat stays."""
    all = fleet(call)
    account = all.get(call.account)
    place = await find(all, account, params.chat)
    last = await state.last(all, account, place)
    name = state.address(account, place, "clearChat")
    await state.write(account, edits.clear(name, last, account.now(), keep_starred=params.keep_starred))
    return DONE


class HistoryParams(Params, frozen=True, kw_only=True):
    chat: ChatOf
    before: Annotated[str, Meta(description="Older than this message; default: the oldest here.")] = ""
    count: Annotated[int, Meta(ge=1, le=MOST_HISTORY)] = MOST_HISTORY


class HistoryResult(Result, frozen=True):
    request: Annotated[str, Meta(description="`sync.history` names it when the answer is there.")]


@method(
    "chat.fetch_history",
    scope=Scope.SEND,
    account=True,
    errors=("not_ready", "not_linked", "not_found"),
    example={"chat": "+15550002222", "count": 50},
)
async def fetch_history(call: Call, params: HistoryParams) -> HistoryResult:
    """Ask the phone for older messages of a chat. They go to the archive; `sync.history` tells. No phone, no answer."""
    all = fleet(call)
    account = all.get(call.account)
    place = await find(all, account, params.chat)
    rows = all.archive.messages
    if params.before:
        oldest = await rows.get(call.account, params.before, str(place))
    else:
        found = await rows.oldest(call.account, str(place))
        if found is None:
            raise RpcError(
                "not_found", f"no message of {place} is here; older ones are asked for from one on"
            )
        oldest = found
    id = await account.flow(
        lambda ctx: history.request(
            ctx, place, oldest.id, from_me=oldest.from_me, at=oldest.sent_at // 1000, count=params.count
        )
    )
    return HistoryResult(id)

"""A typed client of waconnd for asyncio: one file, standard library only, free to be copied.

    from waconnd.client.aio import AsyncClient

    async with AsyncClient() as wa:
        await wa.message.send(to="+573126809496", text="hi")
        async for event in wa.events(types=["message.received"], after="cursor:bot"):
            ...
            await wa.call("events.ack", cursor="bot", seq=event["seq"])

Many tasks may share one client. Everything below the line near the end is made from the daemon's declarations.
"""

from __future__ import annotations

import asyncio
import itertools
import json  # this file must work where only Python is
import os
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NotRequired, Self, TypedDict

#: Added to the daemon's own deadline: its answer says more than our giving up.
MARGIN_S = 5.0

#: A page of results may be large.
MAX_LINE = 64 * 1024 * 1024


class WaconndError(Exception):
    """The daemon refused. `kind` is the contract: `not_ready`, `rate_limited`, …; `data` has the rest."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        super().__init__(error.get("message", "refused"))
        self.code: int = error.get("code", 0)
        self.data: dict[str, Any] = dict(error.get("data") or {})
        self.kind: str = self.data.get("kind", "internal")
        self.retryable: bool = bool(self.data.get("retryable"))
        self.advice: str = self.data.get("advice", "")


class Unreachable(ConnectionError):
    """No daemon answers on the socket."""


def default_socket() -> str:
    """Where the daemon is: `$WACONND_SOCKET`, the user's own, the system's."""
    if named := os.environ.get("WACONND_SOCKET"):
        return named
    own = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}") / "waconnd/waconnd.sock"
    return str(own) if own.exists() else "/run/waconnd/waconnd.sock"


class Connection:
    """Calls and events over one socket; open after `async with` or `open()`."""

    def __init__(self, path: str | os.PathLike[str] | None = None, *, timeout: float | None = 75.0) -> None:
        self.path = os.fspath(path) if path is not None else default_socket()
        #: Seconds that a call may take, unless it names `timeout_s`; None waits for ever.
        self.timeout = timeout
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._progress: dict[int, Callable[[dict[str, Any]], None]] = {}
        self._queues: dict[str, asyncio.Queue[dict[str, Any] | None]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect. Raises Unreachable."""
        try:
            reader, self._writer = await asyncio.open_unix_connection(self.path, limit=MAX_LINE)
        except OSError as error:
            raise Unreachable(f"no daemon answers on {self.path} ({error.strerror})") from None
        self._reading = asyncio.create_task(self._read(reader))

    async def close(self) -> None:
        """Hang up."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        if self._writer is not None:
            self._writer.close()
            await asyncio.gather(self._writer.wait_closed(), return_exceptions=True)

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def call(
        self, method: str, /, *, on_progress: Callable[[dict[str, Any]], None] | None = None, **params: Any
    ) -> Any:
        """Any method. Parameters that are None are not sent. Cancelling the task cancels the call in the daemon."""
        if self._writer is None or self._reading is None or self._reading.done():
            raise Unreachable("the connection is not open")
        id = next(self._ids)
        given = {name: value for name, value in params.items() if value is not None}
        answer = self._waiting[id] = asyncio.get_running_loop().create_future()
        if on_progress is not None:
            self._progress[id] = on_progress
        limit = given.get("timeout_s", self.timeout)
        try:
            await self._send({"jsonrpc": "2.0", "id": id, "method": method, "params": given})
            return await asyncio.wait_for(answer, None if limit is None else limit + MARGIN_S)
        except (asyncio.CancelledError, TimeoutError):
            self._writer.write(self._line({"method": "$/cancel", "params": {"id": id}}))
            raise
        finally:
            self._waiting.pop(id, None)
            self._progress.pop(id, None)

    async def events(self, **params: Any) -> AsyncIterator[dict[str, Any]]:
        """Subscribe (parameters of `events.subscribe`) and wait for events, for ever."""
        subscribed = await self.call("events.subscribe", **params)
        queue = self._queues.setdefault(subscribed["sub"], asyncio.Queue())
        try:
            while (event := await queue.get()) is not None:
                yield event
        finally:
            self._queues.pop(subscribed["sub"], None)
        raise Unreachable("the daemon hung up")

    async def _send(self, message: dict[str, Any]) -> None:
        assert self._writer is not None
        self._writer.write(self._line(message))
        try:
            await self._writer.drain()
        except OSError as error:
            raise Unreachable(f"the daemon hung up ({error})") from None

    @staticmethod
    def _line(message: dict[str, Any]) -> bytes:
        return json.dumps(message, separators=(",", ":")).encode() + b"\n"

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while line := await reader.readline():
                self._take(json.loads(line))
        except (OSError, ValueError):
            pass
        finally:
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(Unreachable("the daemon hung up"))
            for queue in self._queues.values():
                queue.put_nowait(None)

    def _take(self, message: dict[str, Any]) -> None:
        params = message.get("params", {})
        if message.get("method") == "event":
            # The first events may come right behind the answer that names their subscription.
            self._queues.setdefault(params["sub"], asyncio.Queue()).put_nowait(params)
        elif message.get("method") == "$/progress":
            if params.get("id") in self._progress:
                self._progress[params["id"]](params)
        elif (answer := self._waiting.get(message.get("id", 0))) is not None and not answer.done():
            if "error" in message:
                answer.set_exception(WaconndError(message["error"]))
            else:
                answer.set_result(message.get("result"))


# --- made from the declarations by `make generate`; changes below are lost ---
# fmt: off
List = list  # a method may be called `list`


class MediaObject(TypedDict):
    """A file: exactly one source, and what is known of it. What is absent is found out."""

    fd: NotRequired[int | None]
    upload: NotRequired[str]
    data: NotRequired[str]
    url: NotRequired[str]
    path: NotRequired[str]
    mimetype: NotRequired[str]
    file_name: NotRequired[str]
    title: NotRequired[str]
    page_count: NotRequired[int]
    duration_s: NotRequired[float]
    width: NotRequired[int]
    height: NotRequired[int]
    thumbnail: NotRequired[str]
    waveform: NotRequired[List[int] | None]
    gif: NotRequired[bool]
    animated: NotRequired[bool]


class Reference(TypedDict):
    """An earlier message. What is absent is looked up in the archive."""

    id: str
    chat: NotRequired[str]
    sender: NotRequired[str]
    from_me: NotRequired[bool | None]
    text: NotRequired[str]


class StickerPackObject(TypedDict):
    """A pack of stickers (WebP, 512 by 512)."""

    name: str
    publisher: NotRequired[str]
    stickers: List[StickerObject]
    tray: NotRequired[MediaObject | None]


class StickerObject(TypedDict):
    """A sticker of a pack."""

    media: MediaObject
    emojis: NotRequired[List[str]]


class LocationObject(TypedDict):
    """A point on the map."""

    latitude: float
    longitude: float
    name: NotRequired[str]
    address: NotRequired[str]
    url: NotRequired[str]
    accuracy_m: NotRequired[int]
    live: NotRequired[bool]


class ContactObject(TypedDict):
    """A contact card: name and phone, or a finished vCard."""

    name: NotRequired[str]
    phone: NotRequired[str]
    organization: NotRequired[str]
    vcard: NotRequired[str]


class PollObject(TypedDict):
    """A question with 2 to 12 answers."""

    name: str
    options: List[str]
    selectable_count: NotRequired[int]
    multiple_answers: NotRequired[bool]
    quiz: NotRequired[bool]
    correct_answer: NotRequired[str]
    end_at: NotRequired[str]


class EventObject(TypedDict):
    """An appointment."""

    name: str
    start_at: str
    end_at: NotRequired[str]
    description: NotRequired[str]
    location: NotRequired[LocationObject | None]
    extra_guests_allowed: NotRequired[bool]
    call: NotRequired[str]


class AlbumItem(TypedDict):
    """A picture or a video."""

    image: NotRequired[MediaObject | None]
    video: NotRequired[MediaObject | None]
    caption: NotRequired[str]


class GroupInviteObject(TypedDict):
    """An invitation to a group, for one person."""

    group: str
    code: str
    expires_at: NotRequired[str]
    name: NotRequired[str]
    caption: NotRequired[str]


class CommentObject(TypedDict):
    """A comment under a message."""

    target: str | Reference
    text: str


class ProductObject(TypedDict):
    """A product of a business account's catalogue."""

    id: str
    business: NotRequired[str]
    title: NotRequired[str]
    description: NotRequired[str]
    currency: NotRequired[str]
    price_1000: NotRequired[int]
    retailer_id: NotRequired[str]
    url: NotRequired[str]
    image: NotRequired[MediaObject | None]
    text: NotRequired[str]
    footer: NotRequired[str]


class PreviewObject(TypedDict):
    """What stands under a link."""

    url: str
    title: NotRequired[str]
    description: NotRequired[str]
    thumbnail: NotRequired[str]


class StyleObject(TypedDict):
    """Looks of a story."""

    background: NotRequired[str | None]
    color: NotRequired[str | None]
    font: NotRequired[int | None]


class AuditResult(TypedDict):
    """`AuditResult` of the reference."""

    undecryptable: List[Missing]
    waiting_for_phone: int
    recovered: int
    failed: int
    unsent: int
    requested: NotRequired[int]


class Missing(TypedDict):
    """A message that could not be read."""

    id: str
    chat: str
    sender: str
    first_at: str
    retries: NotRequired[int]
    asked_phone: NotRequired[bool]


class QrResult(TypedDict):
    """`QrResult` of the reference."""

    code: str
    index: int
    of: int
    expires_at: str
    png: NotRequired[str | None]
    svg: NotRequired[str | None]
    ascii: NotRequired[str | None]
    data_url: NotRequired[str | None]


class AccountResult(TypedDict):
    """An account and where it stands."""

    account: str
    state: Literal["conflict", "connecting", "failed", "limited", "logged_out", "pairing", "ready", "stopped", "syncing", "unlinked", "waiting"]
    since: str
    reason: NotRequired[str]
    code: NotRequired[int]
    transient: NotRequired[bool]
    advice: NotRequired[str]
    next_retry_at: NotRequired[str | None]
    until: NotRequired[str | None]
    attempts: NotRequired[int]
    last_connect_at: NotRequired[str | None]
    last_inbound_at: NotRequired[str | None]
    phone_seen_at: NotRequired[str | None]
    me: NotRequired[MeResult | None]
    labels: NotRequired[dict[str, str]]
    outbox: NotRequired[int]


class MeResult(TypedDict):
    """Who the account is to others."""

    number: str
    lid: NotRequired[str]
    name: NotRequired[str]
    platform: NotRequired[str]
    business_name: NotRequired[str]


class ExportResult(TypedDict):
    """`ExportResult` of the reference."""

    upload: str
    size: int
    sha256: str
    made_at: str
    number: str
    records: int


class FramesResult(TypedDict):
    """A recording that may be shown: no texts, no keys, no numbers. `waconnd sandbox replay` plays it to a client."""

    frames: List[Shown]


class Shown(TypedDict):
    """A stanza as it may be shown: `node` is [tag, attributes, content], content another list of such, {"bytes": n},"""

    at: float
    way: str
    node: List[Any]


class ImportResult(TypedDict):
    """`ImportResult` of the reference."""

    account: str
    number: str
    lid: str
    counts: dict[str, int]
    skipped: List[SkippedResult]
    notes: List[str]


class SkippedResult(TypedDict):
    """One piece that was left out."""

    piece: str
    why: str


class LimitsResult(TypedDict):
    """`LimitsResult` of the reference."""

    known: BucketResult
    new: BucketResult
    limit: NotRequired[str]
    until: NotRequired[str | None]
    waiting: NotRequired[int]


class BucketResult(TypedDict):
    """How much may be sent."""

    left: float
    burst: float
    per_minute: float
    free_at: str


class AccountListResult(TypedDict):
    """`AccountListResult` of the reference."""

    accounts: List[AccountResult]


class LogoutResult(TypedDict):
    """`LogoutResult` of the reference."""

    unlinked: bool
    confirmed: bool


class RemoveResult(TypedDict):
    """`RemoveResult` of the reference."""

    removed: bool
    kept: NotRequired[str]


class CallLinkResult(TypedDict):
    """The link."""

    link: str


class RejectResult(TypedDict):
    """Refused."""

    ok: bool
    message_id: NotRequired[str]


class ChannelView(TypedDict):
    """A channel."""

    id: str
    name: NotRequired[str]
    description: NotRequired[str]
    state: NotRequired[str]
    created_at: NotRequired[str]
    followers: NotRequired[int | None]
    verified: NotRequired[bool]
    handle: NotRequired[str]
    link: NotRequired[str]
    picture: NotRequired[bool]
    reactions: NotRequired[str]
    role: NotRequired[str]
    muted: NotRequired[bool]
    pinned: NotRequired[List[str]]


class ChannelListResult(TypedDict):
    """By name."""

    channels: List[ChannelView]


class ChannelUpdateResult(TypedDict):
    """What the operation gives."""

    channel: NotRequired[ChannelView | None]
    messages: NotRequired[List[PostView]]
    for_s: NotRequired[int]


class PostView(TypedDict):
    """A post."""

    id: str
    server_id: str
    at: str
    mine: NotRequired[bool]
    edited: NotRequired[bool]
    body: NotRequired[dict[str, Any]]
    media: NotRequired[dict[str, Any]]
    views: NotRequired[int | None]
    forwards: NotRequired[int | None]
    responses: NotRequired[int | None]
    reactions: NotRequired[dict[str, int]]


class Done(TypedDict):
    """The result of what has nothing to tell but that it is done."""

    ok: bool


class HistoryResult(TypedDict):
    """`HistoryResult` of the reference."""

    request: str


class ChatResult(TypedDict):
    """A chat as the archive knows it."""

    id: str
    kind: str
    name: NotRequired[str]
    pn: NotRequired[str]
    unread: NotRequired[int]
    marked_unread: NotRequired[bool]
    last_at: NotRequired[str | None]
    last: NotRequired[LastMessage | None]
    archived: NotRequired[bool]
    pinned: NotRequired[bool]
    pinned_at: NotRequired[str | None]
    muted: NotRequired[bool]
    muted_until: NotRequired[str | None]
    locked: NotRequired[bool]
    timer_s: NotRequired[int]
    labels: NotRequired[List[str]]
    note: NotRequired[str]
    local: NotRequired[dict[str, Any]]


class LastMessage(TypedDict):
    """What the list shows of the newest message."""

    id: str
    kind: str
    text: NotRequired[str]
    from_me: NotRequired[bool]


class ChatListResult(TypedDict):
    """`ChatListResult` of the reference."""

    chats: List[ChatResult]
    next: NotRequired[str]


class CommunityUpdateResult(TypedDict):
    """What the operation gives."""

    community: NotRequired[GroupView | None]
    groups: NotRequired[List[SubGroupView]]
    members: NotRequired[List[PersonView]]
    links: NotRequired[List[CommunityLinkResult]]
    results: NotRequired[List[MemberResult]]


class GroupView(TypedDict):
    """A group or community."""

    id: str
    subject: NotRequired[str]
    subject_at: NotRequired[str]
    subject_by: NotRequired[str]
    description: NotRequired[str]
    created_at: NotRequired[str]
    creator: NotRequired[str]
    size: NotRequired[int]
    member: NotRequired[bool]
    role: NotRequired[str]
    addressing: NotRequired[str]
    announce: NotRequired[bool]
    locked: NotRequired[bool]
    timer_s: NotRequired[int]
    member_add: NotRequired[str]
    link_sharing: NotRequired[str]
    history_sharing: NotRequired[str]
    approval: NotRequired[bool]
    no_frequently_forwarded: NotRequired[bool]
    allow_admin_reports: NotRequired[bool]
    group_history: NotRequired[bool]
    limit_sharing: NotRequired[bool]
    members_may_add_groups: NotRequired[bool]
    growth_locked: NotRequired[bool]
    community: NotRequired[bool]
    parent: NotRequired[str]
    announcement_group: NotRequired[bool]
    general_chat: NotRequired[bool]
    hidden: NotRequired[bool]
    incognito: NotRequired[bool]
    suspended: NotRequired[bool]
    members: NotRequired[List[MemberView]]


class MemberView(TypedDict):
    """A person in a group."""

    id: str
    pn: NotRequired[str]
    lid: NotRequired[str]
    name: NotRequired[str]
    kind: NotRequired[str]
    role: NotRequired[str]
    label: NotRequired[str]


class SubGroupView(TypedDict):
    """A group of a community."""

    id: str
    subject: NotRequired[str]
    size: NotRequired[int]
    announcement_group: NotRequired[bool]


class PersonView(TypedDict):
    """A person."""

    id: str
    pn: NotRequired[str]
    lid: NotRequired[str]
    name: NotRequired[str]
    kind: NotRequired[str]


class CommunityLinkResult(TypedDict):
    """What became of one group."""

    group: str
    done: bool
    code: int
    reason: NotRequired[str]


class MemberResult(TypedDict):
    """What became of one person."""

    who: PersonView
    status: str
    code: int
    reason: NotRequired[str]
    invite_code: NotRequired[str]
    invite_expires_at: NotRequired[str]
    message_id: NotRequired[str]


class AboutResult(TypedDict):
    """`AboutResult` of the reference."""

    text: NotRequired[str]
    set_at: NotRequired[str | None]


class BlockResult(TypedDict):
    """The list as it is now."""

    size: int
    blocked: NotRequired[List[PersonView]]


class BusinessResult(TypedDict):
    """`BusinessResult` of the reference."""

    business: bool
    profile: NotRequired[dict[str, Any]]


class CheckResult(TypedDict):
    """`CheckResult` of the reference."""

    results: List[ReachChecked]


class ReachChecked(TypedDict):
    """What WhatsApp says of a number."""

    input: str
    registered: bool
    id: NotRequired[str]
    lid: NotRequired[str]
    business: NotRequired[bool]
    error: NotRequired[str]


class ContactResult(TypedDict):
    """A person."""

    id: str
    pn: NotRequired[str]
    lid: NotRequired[str]
    name: NotRequired[str]
    saved_name: NotRequired[str]
    push_name: NotRequired[str]
    business_name: NotRequired[str]
    username: NotRequired[str]
    blocked: NotRequired[bool]
    alias: NotRequired[str]
    identity_changed_at: NotRequired[str | None]
    local: NotRequired[dict[str, Any]]


class IdentityResult(TypedDict):
    """`IdentityResult` of the reference."""

    known: bool
    fingerprint: NotRequired[str]
    code: NotRequired[str]
    own_code: NotRequired[str]
    changed_at: NotRequired[str | None]


class Contact_LinkLinkResult(TypedDict):
    """The account's own link, or whom a link leads to."""

    link: NotRequired[str]
    contact: NotRequired[PersonView | None]
    text: NotRequired[str]
    business_name: NotRequired[str]


class ContactListResult(TypedDict):
    """`ContactListResult` of the reference."""

    contacts: List[ContactResult]
    next: NotRequired[str]


class PictureResult(TypedDict):
    """`PictureResult` of the reference."""

    exists: bool
    path: NotRequired[str]
    etag: NotRequired[str]


class Diagnosis(TypedDict):
    """`Diagnosis` of the reference."""

    findings: List[Finding]


class Finding(TypedDict):
    """Something that `doctor` found."""

    id: str
    severity: str
    what: str
    fix: NotRequired[str]


class Health(TypedDict):
    """`Health` of the reference."""

    ok: bool
    checks: List[Check]


class Check(TypedDict):
    """One thing that was looked at."""

    name: str
    ok: bool
    detail: NotRequired[str]


class Hello(TypedDict):
    """`Hello` of the reference."""

    version: str
    protocol: int
    limits: Limits
    scopes: List[str]
    features: List[str]


class Limits(TypedDict):
    """`Limits` of the reference."""

    line_bytes: int
    batch: int
    in_flight: int
    subscriptions: int
    upload_bytes: int


class Info(TypedDict):
    """`Info` of the reference."""

    version: str
    wa_version: WaVersion
    pid: int
    uptime_s: float
    state_dir: str
    accounts: dict[str, int]
    newest_seq: int


class WaVersion(TypedDict):
    """The version of WhatsApp Web that we say we are."""

    value: str
    source: str
    age_s: NotRequired[float | None]


class LogLevel(TypedDict):
    """`LogLevel` of the reference."""

    previous: str


class Reloaded(TypedDict):
    """What a reload of the configuration changed."""

    changed: List[str]
    needs_restart: List[str]


class Stats(TypedDict):
    """`Stats` of the reference."""

    metrics: dict[str, Any]


class Acked(TypedDict):
    """`Acked` of the reference."""

    seq: int


class Cursors(TypedDict):
    """`Cursors` of the reference."""

    cursors: List[Cursor]


class Cursor(TypedDict):
    """`Cursor` of the reference."""

    name: str
    seq: int
    behind: int


class Handled(TypedDict):
    """`Handled` of the reference."""

    seq: int
    undone: int


class Events(TypedDict):
    """`Events` of the reference."""

    events: List[Any]
    next: int
    newest_seq: int


class Subscribed(TypedDict):
    """`Subscribed` of the reference."""

    sub: str
    from_seq: int
    oldest_seq: int
    newest_seq: int


class Taken(TypedDict):
    """`Taken` of the reference."""

    events: List[Any]
    undone: int


class CreateResult(TypedDict):
    """The new group, and what became of each person."""

    group: GroupView
    results: List[MemberResult]


class InviteResult(TypedDict):
    """The link, or the group."""

    link: NotRequired[str]
    group: NotRequired[GroupView | None]
    joined: NotRequired[bool]
    pending: NotRequired[bool]


class GroupListResult(TypedDict):
    """By subject."""

    groups: List[GroupView]


class MembersResult(TypedDict):
    """A result for each person."""

    results: NotRequired[List[MemberResult]]
    requests: NotRequired[List[RequestView]]


class RequestView(TypedDict):
    """Somebody who asks to join."""

    who: PersonView
    requested_at: NotRequired[str]
    method: NotRequired[str]


class HookListed(TypedDict):
    """`HookListed` of the reference."""

    hooks: List[Hooked]


class Hooked(TypedDict):
    """`Hooked` of the reference."""

    hook: str
    origin: str
    types: List[str]
    enabled: bool
    seq: int
    delivered: int
    failed: int
    dead: int
    exec: NotRequired[List[str] | None]
    url: NotRequired[str | None]
    accounts: NotRequired[List[str] | None]
    chats: NotRequired[List[str] | None]
    last_error: NotRequired[str | None]


class LabelsResult(TypedDict):
    """`LabelsResult` of the reference."""

    labels: List[LabelResult]


class LabelResult(TypedDict):
    """A label (a list, in the apps of private accounts)."""

    id: str
    name: str
    color: NotRequired[int]
    position: NotRequired[int | None]
    predefined: NotRequired[int | None]
    chats: NotRequired[int]


class DownloadResult(TypedDict):
    """`DownloadResult` of the reference."""

    sha256: str
    size: int
    mimetype: NotRequired[str]
    file_name: NotRequired[str]
    path: NotRequired[str]
    upload: NotRequired[str]


class UploadResult(TypedDict):
    """`UploadResult` of the reference."""

    upload: str
    kind: str
    mimetype: str
    size: int
    sha256: str
    width: NotRequired[int]
    height: NotRequired[int]
    duration_s: NotRequired[float]
    file_name: NotRequired[str]


class SendResult(TypedDict):
    """What became of a message so far."""

    id: NotRequired[str]
    ids: NotRequired[List[str]]
    outbox_id: NotRequired[str]
    chat: NotRequired[dict[str, str]]
    at: str
    status: str
    duplicate: NotRequired[bool]
    server_id: NotRequired[str]
    devices: NotRequired[int]
    per_device: NotRequired[List[DeviceResult]]


class DeviceResult(TypedDict):
    """A device that did not get the message."""

    device: str
    reason: str


class ForwardResult(TypedDict):
    """`ForwardResult` of the reference."""

    sent: List[SendResult]


class MessageResult(TypedDict):
    """A message and what became of it. `data` is that of the event `message.received`."""

    id: str
    chat: str
    sender: NotRequired[str]
    from_me: bool
    kind: str
    sent_at: str
    status: NotRequired[str]
    server_id: NotRequired[str]
    edited_at: NotRequired[str | None]
    revoked_at: NotRequired[str | None]
    revoked_by: NotRequired[str]
    starred: NotRequired[bool]
    data: NotRequired[dict[str, Any]]
    notes: NotRequired[List[Note]]
    results: NotRequired[List[dict[str, Any]]]
    receipts: NotRequired[List[Progress]]
    position: NotRequired[str]


class Note(TypedDict):
    """What somebody attached to a message."""

    kind: str
    by: NotRequired[str]
    at: str
    value: dict[str, Any]


class Progress(TypedDict):
    """How far a message of ours came with one person: the first of their devices counts."""

    who: str
    delivered_at: NotRequired[str | None]
    read_at: NotRequired[str | None]
    played_at: NotRequired[str | None]
    devices: NotRequired[List[DeviceProgress]]


class DeviceProgress(TypedDict):
    """How far it came on one device."""

    device: int
    delivered_at: NotRequired[str | None]
    read_at: NotRequired[str | None]
    played_at: NotRequired[str | None]


class Message_ReadListResult(TypedDict):
    """`Message_ReadListResult` of the reference."""

    messages: List[MessageResult]
    next: NotRequired[str | None]


class ReadResult(TypedDict):
    """`ReadResult` of the reference."""

    count: int


class RequestResult(TypedDict):
    """`RequestResult` of the reference."""

    requested: bool


class SearchResult(TypedDict):
    """`SearchResult` of the reference."""

    hits: List[HitResult]
    next: NotRequired[int | None]


class HitResult(TypedDict):
    """`HitResult` of the reference."""

    message: MessageResult
    snippet: str


class TraceResult(TypedDict):
    """`TraceResult` of the reference."""

    id: str
    stages: List[StageResult]


class StageResult(TypedDict):
    """`StageResult` of the reference."""

    at: str
    stage: str
    detail: NotRequired[str]


class EntryResult(TypedDict):
    """A row, without its content."""

    outbox_id: str
    id: str
    chat: str
    status: Literal["cancelled", "delivered", "expired", "failed", "played", "queued", "read", "sent", "server_ack"]
    made_at: str
    changed_at: str
    key: NotRequired[str]
    via: NotRequired[str]
    attempts: NotRequired[int]
    error: NotRequired[str]
    not_before: NotRequired[str | None]
    not_after: NotRequired[str | None]
    result: NotRequired[dict[str, Any]]


class OutboxListResult(TypedDict):
    """`OutboxListResult` of the reference."""

    entries: List[EntryResult]
    next: NotRequired[int | None]


class CodeResult(TypedDict):
    """`CodeResult` of the reference."""

    code: str
    expires_at: str


class PasskeyResult(TypedDict):
    """`PasskeyResult` of the reference."""

    next: str


class PrivacyResult(TypedDict):
    """The settings; a member that WhatsApp did not tell is absent."""

    last_seen: NotRequired[str]
    online: NotRequired[str]
    picture: NotRequired[str]
    about: NotRequired[str]
    group_add: NotRequired[str]
    read_receipts: NotRequired[str]
    calls: NotRequired[str]
    messages: NotRequired[str]
    defense: NotRequired[str]
    stickers: NotRequired[str]
    default_timer_s: NotRequired[int | None]
    hidden_from: NotRequired[dict[str, List[PersonView]]]
    other: NotRequired[dict[str, str]]


class ProfileResult(TypedDict):
    """A profile."""

    id: str
    number: NotRequired[str]
    lid: NotRequired[str]
    name: NotRequired[str]
    about: NotRequired[str]
    about_at: NotRequired[str]
    picture_id: NotRequired[str]
    picture_url: NotRequired[str]
    business: NotRequired[dict[str, Any]]


class RepliesResult(TypedDict):
    """`RepliesResult` of the reference."""

    replies: List[QuickReply]


class QuickReply(TypedDict):
    """One text."""

    id: str
    shortcut: NotRequired[str]
    text: NotRequired[str]
    keywords: NotRequired[List[str]]
    count: NotRequired[int]


class RpcChecked(TypedDict):
    """`RpcChecked` of the reference."""

    ok: bool
    error: NotRequired[dict[str, Any] | None]


class Whoami(TypedDict):
    """`Whoami` of the reference."""

    uid: int
    gid: int
    pid: int
    user: str
    scopes: List[str]
    methods: List[str]
    accounts: NotRequired[List[str] | None]


class SettingsResult(TypedDict):
    """`SettingsResult` of the reference."""

    settings: dict[str, Any]


class Created(TypedDict):
    """`Created` of the reference."""

    token: str
    id: str


class TokenListed(TypedDict):
    """`TokenListed` of the reference."""

    tokens: List[Described]


class Described(TypedDict):
    """`Described` of the reference."""

    id: str
    scopes: List[str]
    made_at: str
    note: NotRequired[str]
    accounts: NotRequired[List[str] | None]
    methods: NotRequired[List[str] | None]
    expires_at: NotRequired[str | None]


class AccountMethods:
    """`account.*`"""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def audit(self, *, repair: bool | None = None, account: str | None = None, timeout_s: float | None = None) -> AuditResult:
        """What is missing, undecryptable, healed or still asked for."""
        result: AuditResult = await self._connection.call("account.audit", repair=repair, account=account, timeout_s=timeout_s)
        return result

    async def change_number(self, *, expect: str | None = None, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> QrResult:
        """Another phone for the same account: unlinks this one, sets its keys aside, and gives the code to scan."""
        result: QrResult = await self._connection.call("account.change_number", expect=expect, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def configure(self, *, labels: dict[str, str] | None = None, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> AccountResult:
        """Change what is kept with an account."""
        result: AccountResult = await self._connection.call("account.configure", labels=labels, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def create(self, *, account: str, labels: dict[str, str] | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> AccountResult:
        """Make an account. The same name again gives the same account."""
        result: AccountResult = await self._connection.call("account.create", account=account, labels=labels, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def export(self, *, passphrase: str | None = None, what: List[Literal["auth", "history"]] | None = None, to: Literal["baileys", "waconnd"] | None = None, account: str | None = None, timeout_s: float | None = None) -> ExportResult:
        """A backup of one moment, while the account runs."""
        result: ExportResult = await self._connection.call("account.export", passphrase=passphrase, what=what, to=to, account=account, timeout_s=timeout_s)
        return result

    async def frames(self, *, limit: int | None = None, account: str | None = None, timeout_s: float | None = None) -> FramesResult:
        """The newest stanzas of the account's connections, oldest first; people and ids have other names in each recording."""
        result: FramesResult = await self._connection.call("account.frames", limit=limit, account=account, timeout_s=timeout_s)
        return result

    async def get(self, *, account: str | None = None, timeout_s: float | None = None) -> AccountResult:
        """One account: its state, why, what to do, and when it is tried again."""
        result: AccountResult = await self._connection.call("account.get", account=account, timeout_s=timeout_s)
        return result

    async def import_(self, *, account: str, upload: str, from_: Literal["baileys", "waconnd", "whatsmeow"] | None = None, passphrase: str | None = None, device: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> ImportResult:
        """Take an account over, with its sessions and no new QR. The program that had it must be stopped, for good."""
        more: dict[str, Any] = {"from": from_}
        result: ImportResult = await self._connection.call("account.import", account=account, upload=upload, passphrase=passphrase, device=device, timeout_s=timeout_s, key=key, dry_run=dry_run, **more)
        return result

    async def limits(self, *, account: str | None = None, timeout_s: float | None = None) -> LimitsResult:
        """How fast this account may send now, and what WhatsApp itself has limited."""
        result: LimitsResult = await self._connection.call("account.limits", account=account, timeout_s=timeout_s)
        return result

    async def list(self, *, timeout_s: float | None = None) -> AccountListResult:
        """All accounts that you may see, with their states."""
        result: AccountListResult = await self._connection.call("account.list", timeout_s=timeout_s)
        return result

    async def logout(self, *, keep_history: bool | None = None, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> LogoutResult:
        """Unlink this device: WhatsApp is told, unsent messages fail, the keys are set aside. A new pairing is needed."""
        result: LogoutResult = await self._connection.call("account.logout", keep_history=keep_history, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def reconnect(self, *, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> AccountResult:
        """A new connection now, without waiting for the next try."""
        result: AccountResult = await self._connection.call("account.reconnect", account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def remove(self, *, confirm: str, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> RemoveResult:
        """Log out if possible, forget its messages, set its keys aside."""
        result: RemoveResult = await self._connection.call("account.remove", confirm=confirm, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def start(self, *, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> AccountResult:
        """Connect and stay connected, also after a restart. Leaves `conflict` and `failed`."""
        result: AccountResult = await self._connection.call("account.start", account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def stop(self, *, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> AccountResult:
        """Disconnect and stay so, also after a restart. The link to the phone is kept."""
        result: AccountResult = await self._connection.call("account.stop", account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def wait(self, *, state: Literal["conflict", "connecting", "failed", "limited", "logged_out", "pairing", "ready", "stopped", "syncing", "unlinked", "waiting"] | None = None, account: str | None = None, timeout_s: float | None = None) -> AccountResult:
        """Return once the account is in a state; `timeout_s` says how long to wait (60 s when absent)."""
        result: AccountResult = await self._connection.call("account.wait", state=state, account=account, timeout_s=timeout_s)
        return result


class CallMethods:
    """`call.*`"""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def link(self, *, kind: Literal["video", "voice"] | None = None, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> CallLinkResult:
        """A link that anybody may call by."""
        result: CallLinkResult = await self._connection.call("call.link", kind=kind, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def reject(self, *, call_id: str, sender: str | None = None, message: str | None = None, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> RejectResult:
        """Refuse a call that rings, on all devices of the account, and tell the caller why if you like."""
        result: RejectResult = await self._connection.call("call.reject", call_id=call_id, sender=sender, message=message, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result


class ChannelMethods:
    """`channel.*`"""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def get(self, *, id: str | None = None, link: str | None = None, account: str | None = None, timeout_s: float | None = None) -> ChannelView:
        """A channel as WhatsApp knows it now, followed or not."""
        result: ChannelView = await self._connection.call("channel.get", id=id, link=link, account=account, timeout_s=timeout_s)
        return result

    async def list(self, *, refresh: bool | None = None, account: str | None = None, timeout_s: float | None = None) -> ChannelListResult:
        """The channels that the account follows or runs, as kept from notifications."""
        result: ChannelListResult = await self._connection.call("channel.list", refresh=refresh, account=account, timeout_s=timeout_s)
        return result

    async def update(self, *, op: Literal["create", "delete", "follow", "messages", "mute", "react", "unfollow", "unmute", "update", "viewed", "watch"], id: str | None = None, name: str | None = None, description: str | None = None, picture: MediaObject | None = None, server_id: str | None = None, server_ids: List[str] | None = None, emoji: str | None = None, limit: int | None = None, before: str | None = None, after: str | None = None, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> ChannelUpdateResult:
        """Make, change and end channels; follow, unfollow, mute; read posts, react to them, say that they were seen."""
        result: ChannelUpdateResult = await self._connection.call("channel.update", op=op, id=id, name=name, description=description, picture=picture, server_id=server_id, server_ids=server_ids, emoji=emoji, limit=limit, before=before, after=after, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result


class ChatMethods:
    """`chat.*`"""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def clear(self, *, chat: str, keep_starred: bool | None = None, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> Done:
        """Remove the messages of a chat, on all your devices; the chat stays."""
        result: Done = await self._connection.call("chat.clear", chat=chat, keep_starred=keep_starred, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def delete(self, *, chat: str, keep_starred: bool | None = None, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> Done:
        """Remove a chat with its messages, on all your devices. Nobody else notices."""
        result: Done = await self._connection.call("chat.delete", chat=chat, keep_starred=keep_starred, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def fetch_history(self, *, chat: str, before: str | None = None, count: int | None = None, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> HistoryResult:
        """Ask the phone for older messages of a chat. They go to the archive; `sync.history` tells. No phone, no answer."""
        result: HistoryResult = await self._connection.call("chat.fetch_history", chat=chat, before=before, count=count, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def get(self, *, chat: str, account: str | None = None, timeout_s: float | None = None) -> ChatResult:
        """One chat."""
        result: ChatResult = await self._connection.call("chat.get", chat=chat, account=account, timeout_s=timeout_s)
        return result

    async def list(self, *, kinds: List[Literal["broadcast", "channel", "group", "status", "user"]] | None = None, unread: bool | None = None, archived: bool | None = None, name: str | None = None, label: str | None = None, limit: int | None = None, cursor: str | None = None, account: str | None = None, timeout_s: float | None = None) -> ChatListResult:
        """Chats, the latest first."""
        result: ChatListResult = await self._connection.call("chat.list", kinds=kinds, unread=unread, archived=archived, name=name, label=label, limit=limit, cursor=cursor, account=account, timeout_s=timeout_s)
        return result

    async def typing(self, *, chat: str, on: bool | None = None, kind: Literal["text", "voice"] | None = None, for_s: float | None = None, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> Done:
        """Show that we type or record. It stops by itself, after 25 seconds at the latest."""
        result: Done = await self._connection.call("chat.typing", chat=chat, on=on, kind=kind, for_s=for_s, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def update(self, *, chat: str, archived: bool | None = None, pinned: bool | None = None, muted_until: str | None = None, unread: bool | None = None, locked: bool | None = None, timer_s: Literal[0, 86400, 604800, 7776000] | None = None, labels: List[str] | None = None, local: dict[str, Any] | None = None, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> ChatResult:
        """Archive, pin, mute, mark, label a chat, set its timer, or note something on it. Other devices follow."""
        result: ChatResult = await self._connection.call("chat.update", chat=chat, archived=archived, pinned=pinned, muted_until=muted_until, unread=unread, locked=locked, timer_s=timer_s, labels=labels, local=local, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result


class CommunityMethods:
    """`community.*`"""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def update(self, *, op: Literal["create", "dissolve", "join", "link", "list", "members", "unlink"], id: str | None = None, subject: str | None = None, description: str | None = None, participants: List[str] | None = None, groups: List[str] | None = None, remove_members: bool | None = None, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> CommunityUpdateResult:
        """Make, link, unlink, list and end communities; their settings and people are changed by `group.*`."""
        result: CommunityUpdateResult = await self._connection.call("community.update", op=op, id=id, subject=subject, description=description, participants=participants, groups=groups, remove_members=remove_members, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result


class ContactMethods:
    """`contact.*`"""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def about(self, *, id: str, account: str | None = None, timeout_s: float | None = None) -> AboutResult:
        """What somebody says about themselves."""
        result: AboutResult = await self._connection.call("contact.about", id=id, account=account, timeout_s=timeout_s)
        return result

    async def block(self, *, id: str | None = None, on: bool | None = None, refresh: bool | None = None, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> BlockResult:
        """Block somebody or let them write again; the list of the blocked comes back."""
        result: BlockResult = await self._connection.call("contact.block", id=id, on=on, refresh=refresh, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def business(self, *, id: str, account: str | None = None, timeout_s: float | None = None) -> BusinessResult:
        """What a business tells of itself."""
        result: BusinessResult = await self._connection.call("contact.business", id=id, account=account, timeout_s=timeout_s)
        return result

    async def check(self, *, numbers: List[str], account: str | None = None, timeout_s: float | None = None) -> CheckResult:
        """Whether numbers are on WhatsApp, and under which address. In Brazil, Mexico and Argentina both forms are tried."""
        result: CheckResult = await self._connection.call("contact.check", numbers=numbers, account=account, timeout_s=timeout_s)
        return result

    async def get(self, *, id: str, account: str | None = None, timeout_s: float | None = None) -> ContactResult:
        """One person, by number or hidden id alike."""
        result: ContactResult = await self._connection.call("contact.get", id=id, account=account, timeout_s=timeout_s)
        return result

    async def identity(self, *, id: str, trust: bool | None = None, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> IdentityResult:
        """The key of somebody's phone, and whether it has changed. With `trust` a change is settled."""
        result: IdentityResult = await self._connection.call("contact.identity", id=id, trust=trust, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def link(self, *, link: str | None = None, reset: bool | None = None, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> Contact_LinkLinkResult:
        """The link behind the account's QR code, or the person behind somebody's."""
        result: Contact_LinkLinkResult = await self._connection.call("contact.link", link=link, reset=reset, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def list(self, *, name: str | None = None, limit: int | None = None, cursor: str | None = None, account: str | None = None, timeout_s: float | None = None) -> ContactListResult:
        """People, in the order of their ids."""
        result: ContactListResult = await self._connection.call("contact.list", name=name, limit=limit, cursor=cursor, account=account, timeout_s=timeout_s)
        return result

    async def picture(self, *, id: str, size: Literal["image", "preview"] | None = None, account: str | None = None, timeout_s: float | None = None) -> PictureResult:
        """A profile picture. It is kept here and fetched again only when it has changed."""
        result: PictureResult = await self._connection.call("contact.picture", id=id, size=size, account=account, timeout_s=timeout_s)
        return result

    async def save(self, *, id: str, name: str | None = None, alias: str | None = None, local: dict[str, Any] | None = None, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> ContactResult:
        """Name a person: in the address book, and for your own scripts."""
        result: ContactResult = await self._connection.call("contact.save", id=id, name=name, alias=alias, local=local, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result


class DaemonMethods:
    """`daemon.*`"""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def doctor(self, *, deep: bool | None = None, timeout_s: float | None = None) -> Diagnosis:
        """Look for what is wrong, and say how to mend it."""
        result: Diagnosis = await self._connection.call("daemon.doctor", deep=deep, timeout_s=timeout_s)
        return result

    async def health(self, *, account: str | None = None, timeout_s: float | None = None) -> Health:
        """Whether every started account can receive, and what is wrong when not."""
        result: Health = await self._connection.call("daemon.health", account=account, timeout_s=timeout_s)
        return result

    async def hello(self, *, client: str | None = None, protocol: int | None = None, token: str | None = None, timeout_s: float | None = None) -> Hello:
        """Say who you are, learn what this daemon is and what you may do. Optional; the first call of a careful client."""
        result: Hello = await self._connection.call("daemon.hello", client=client, protocol=protocol, token=token, timeout_s=timeout_s)
        return result

    async def info(self, *, timeout_s: float | None = None) -> Info:
        """Version, process, state directory, and how many accounts are in which state."""
        result: Info = await self._connection.call("daemon.info", timeout_s=timeout_s)
        return result

    async def log_level(self, *, level: str, module: str | None = None, account: str | None = None, for_s: float | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> LogLevel:
        """Log more or less, for a while or until the next start."""
        result: LogLevel = await self._connection.call("daemon.log_level", level=level, module=module, account=account, for_s=for_s, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def reload(self, *, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> Reloaded:
        """Read the configuration again, as SIGHUP does. With an error in it, the old one stays in force."""
        result: Reloaded = await self._connection.call("daemon.reload", timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def shutdown(self, *, drain_s: float | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> Done:
        """Stop, as SIGTERM does: everything promised is durable, systemd does not start it again."""
        result: Done = await self._connection.call("daemon.shutdown", drain_s=drain_s, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def stats(self, *, account: str | None = None, timeout_s: float | None = None) -> Stats:
        """Counters, gauges and histograms: the numbers of /metrics, as JSON."""
        result: Stats = await self._connection.call("daemon.stats", account=account, timeout_s=timeout_s)
        return result


class EventsMethods:
    """`events.*`"""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def ack(self, *, cursor: str, seq: int, timeout_s: float | None = None) -> Acked:
        """Durably move a named cursor forward. An older seq than the stored one changes nothing."""
        result: Acked = await self._connection.call("events.ack", cursor=cursor, seq=seq, timeout_s=timeout_s)
        return result

    async def cursor_delete(self, *, cursor: str, timeout_s: float | None = None) -> Done:
        """Forget a named cursor."""
        result: Done = await self._connection.call("events.cursor_delete", cursor=cursor, timeout_s=timeout_s)
        return result

    async def cursors(self, *, timeout_s: float | None = None) -> Cursors:
        """All named cursors, and how far each is behind."""
        result: Cursors = await self._connection.call("events.cursors", timeout_s=timeout_s)
        return result

    async def done(self, *, queue: str, seqs: List[int], timeout_s: float | None = None) -> Handled:
        """These events of a queue are handled. The cursor moves behind the last one before which all are; durable on return."""
        result: Handled = await self._connection.call("events.done", queue=queue, seqs=seqs, timeout_s=timeout_s)
        return result

    async def read(self, *, accounts: List[str] | None = None, types: List[str] | None = None, chats: List[str] | None = None, after: int | str | None = None, limit: int | None = None, wait_s: float | None = None, timeout_s: float | None = None) -> Events:
        """A page of events after a cursor, for shells and cron: pass `next` as the following `after`, or ack it."""
        result: Events = await self._connection.call("events.read", accounts=accounts, types=types, chats=chats, after=after, limit=limit, wait_s=wait_s, timeout_s=timeout_s)
        return result

    async def subscribe(self, *, accounts: List[str] | None = None, types: List[str] | None = None, chats: List[str] | None = None, after: int | str | None = None, max_unacked: int | None = None, passing: bool | None = None, timeout_s: float | None = None) -> Subscribed:
        """Follow events on this connection: first what is held after the cursor, then live, with no gap and no double."""
        result: Subscribed = await self._connection.call("events.subscribe", accounts=accounts, types=types, chats=chats, after=after, max_unacked=max_unacked, passing=passing, timeout_s=timeout_s)
        return result

    async def take(self, *, queue: str, accounts: List[str] | None = None, types: List[str] | None = None, chats: List[str] | None = None, limit: int | None = None, lease_s: float | None = None, wait_s: float | None = None, timeout_s: float | None = None) -> Taken:
        """The next events of a queue that several workers share."""
        result: Taken = await self._connection.call("events.take", queue=queue, accounts=accounts, types=types, chats=chats, limit=limit, lease_s=lease_s, wait_s=wait_s, timeout_s=timeout_s)
        return result

    async def unsubscribe(self, *, sub: str, timeout_s: float | None = None) -> Done:
        """End a subscription of this connection."""
        result: Done = await self._connection.call("events.unsubscribe", sub=sub, timeout_s=timeout_s)
        return result


class GroupMethods:
    """`group.*`"""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def create(self, *, subject: str, participants: List[str] | None = None, description: str | None = None, picture: MediaObject | None = None, announce: bool | None = None, locked: bool | None = None, approval: bool | None = None, member_add: Literal["admins", "everybody"] | None = None, timer_s: Literal[0, 86400, 604800, 7776000] | None = None, community: str | None = None, invite: bool | None = None, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> CreateResult:
        """Make a group. With the same `key` it is made once, also when the answer was lost."""
        result: CreateResult = await self._connection.call("group.create", subject=subject, participants=participants, description=description, picture=picture, announce=announce, locked=locked, approval=approval, member_add=member_add, timer_s=timer_s, community=community, invite=invite, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def get(self, *, id: str | None = None, invite: str | None = None, refresh: bool | None = None, account: str | None = None, timeout_s: float | None = None) -> GroupView:
        """A group with its members. WhatsApp is asked only for groups that are not known."""
        result: GroupView = await self._connection.call("group.get", id=id, invite=invite, refresh=refresh, account=account, timeout_s=timeout_s)
        return result

    async def invite(self, *, op: Literal["accept", "get", "info", "join", "reset"] | None = None, id: str | None = None, link: str | None = None, code: str | None = None, expires_at: str | None = None, sender: str | None = None, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> InviteResult:
        """Invite links: read, reset, look behind one, join by it; and personal invitations: accept."""
        result: InviteResult = await self._connection.call("group.invite", op=op, id=id, link=link, code=code, expires_at=expires_at, sender=sender, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def leave(self, *, id: str, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> Done:
        """Leave a group. Its chat and messages stay."""
        result: Done = await self._connection.call("group.leave", id=id, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def list(self, *, members: bool | None = None, name: str | None = None, community: str | None = None, refresh: bool | None = None, account: str | None = None, timeout_s: float | None = None) -> GroupListResult:
        """The groups and communities that the account is in, as kept from notifications."""
        result: GroupListResult = await self._connection.call("group.list", members=members, name=name, community=community, refresh=refresh, account=account, timeout_s=timeout_s)
        return result

    async def members(self, *, id: str, op: Literal["add", "approve", "demote", "promote", "reject", "remove", "requests", "revoke_invite"], who: List[str] | None = None, invite: bool | None = None, everywhere: bool | None = None, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> MembersResult:
        """Add, remove, promote, demote people, and decide who may join. Who can't be added gets an invitation instead."""
        result: MembersResult = await self._connection.call("group.members", id=id, op=op, who=who, invite=invite, everywhere=everywhere, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def update(self, *, id: str, subject: str | None = None, description: str | None = None, picture: MediaObject | None = None, remove_picture: bool | None = None, locked: bool | None = None, announce: bool | None = None, member_add: Literal["admins", "everybody"] | None = None, link_sharing: Literal["admins", "everybody"] | None = None, history_sharing: Literal["admins", "everybody"] | None = None, approval: bool | None = None, timer_s: int | None = None, no_frequently_forwarded: bool | None = None, allow_admin_reports: bool | None = None, group_history: bool | None = None, members_may_add_groups: bool | None = None, label: str | None = None, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> GroupView:
        """Change subject, description, picture and settings of a group. Each is a request of its own; the first refusal ends it."""
        result: GroupView = await self._connection.call("group.update", id=id, subject=subject, description=description, picture=picture, remove_picture=remove_picture, locked=locked, announce=announce, member_add=member_add, link_sharing=link_sharing, history_sharing=history_sharing, approval=approval, timer_s=timer_s, no_frequently_forwarded=no_frequently_forwarded, allow_admin_reports=allow_admin_reports, group_history=group_history, members_may_add_groups=members_may_add_groups, label=label, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result


class HookMethods:
    """`hook.*`"""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def list(self, *, timeout_s: float | None = None) -> HookListed:
        """All hooks, and how they do."""
        result: HookListed = await self._connection.call("hook.list", timeout_s=timeout_s)
        return result

    async def remove(self, *, hook: str, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> Done:
        """End a hook and forget its place."""
        result: Done = await self._connection.call("hook.remove", hook=hook, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def replay(self, *, hook: str, after: int, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> Done:
        """Tell a hook everything after a seq again: after a mistake on its side, or for its dead letters."""
        result: Done = await self._connection.call("hook.replay", hook=hook, after=after, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def set(self, *, hook: str, types: List[str] | None = None, accounts: List[str] | None = None, chats: List[str] | None = None, exec: List[str] | None = None, url: str | None = None, secret: str | None = None, headers: dict[str, str] | None = None, attempt_timeout_s: float | None = None, attempts: int | None = None, reply: bool | None = None, enabled: bool | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> Hooked:
        """Make or change a hook. It begins with what happens from now on; a change keeps its place."""
        result: Hooked = await self._connection.call("hook.set", hook=hook, types=types, accounts=accounts, chats=chats, exec=exec, url=url, secret=secret, headers=headers, attempt_timeout_s=attempt_timeout_s, attempts=attempts, reply=reply, enabled=enabled, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result


class LabelMethods:
    """`label.*`"""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def list(self, *, account: str | None = None, timeout_s: float | None = None) -> LabelsResult:
        """All labels."""
        result: LabelsResult = await self._connection.call("label.list", account=account, timeout_s=timeout_s)
        return result

    async def set(self, *, id: str | None = None, name: str | None = None, color: int | None = None, delete: bool | None = None, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> LabelsResult:
        """Make, rename, recolour or delete a label. Returns all labels. `chat.update` hangs them on chats."""
        result: LabelsResult = await self._connection.call("label.set", id=id, name=name, color=color, delete=delete, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result


class MediaMethods:
    """`media.*`"""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def download(self, *, id: str | Reference, chat: str | None = None, path: str | None = None, fd: int | None = None, refresh: bool | None = None, account: str | None = None, timeout_s: float | None = None) -> DownloadResult:
        """The file of a message. Every check is made before a byte is handed out; what the hosts have lost the phone is asked for."""
        result: DownloadResult = await self._connection.call("media.download", id=id, chat=chat, path=path, fd=fd, refresh=refresh, account=account, timeout_s=timeout_s)
        return result

    async def upload(self, *, kind: Literal["audio", "document", "image", "sticker", "video", "video_note", "voice"], fd: int | None = None, upload: str | None = None, data: str | None = None, url: str | None = None, path: str | None = None, mimetype: str | None = None, file_name: str | None = None, title: str | None = None, page_count: int | None = None, duration_s: float | None = None, width: int | None = None, height: int | None = None, thumbnail: str | None = None, waveform: List[int] | None = None, gif: bool | None = None, animated: bool | None = None, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> UploadResult:
        """Encrypt a file and put it on WhatsApp's media hosts, to be sent to many without uploading it again."""
        result: UploadResult = await self._connection.call("media.upload", kind=kind, fd=fd, upload=upload, data=data, url=url, path=path, mimetype=mimetype, file_name=file_name, title=title, page_count=page_count, duration_s=duration_s, width=width, height=height, thumbnail=thumbnail, waveform=waveform, gif=gif, animated=animated, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result


class MessageMethods:
    """`message.*`"""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def answer(self, *, id: str | Reference, choice: str, chat: str | None = None, wait: Literal["delivered", "queued", "server"] | None = None, text: str | None = None, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> SendResult:
        """Choose a button or a row of a message that offers some."""
        result: SendResult = await self._connection.call("message.answer", id=id, choice=choice, chat=chat, wait=wait, text=text, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def delete(self, *, id: str | Reference, chat: str | None = None, media: bool | None = None, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> Done:
        """Delete a message for yourself alone, on all your devices. `message.revoke` deletes it for everybody."""
        result: Done = await self._connection.call("message.delete", id=id, chat=chat, media=media, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def edit(self, *, id: str | Reference, chat: str | None = None, wait: Literal["delivered", "queued", "server"] | None = None, text: str | None = None, caption: str | None = None, mentions: List[str] | None = None, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> SendResult:
        """Change the text or caption of a message of ours, within 20 minutes."""
        result: SendResult = await self._connection.call("message.edit", id=id, chat=chat, wait=wait, text=text, caption=caption, mentions=mentions, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def forward(self, *, id: str | Reference, to: List[str], chat: str | None = None, wait: Literal["delivered", "queued", "server"] | None = None, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> ForwardResult:
        """Send a message on to others, marked as forwarded."""
        result: ForwardResult = await self._connection.call("message.forward", id=id, to=to, chat=chat, wait=wait, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def get(self, *, id: str | Reference, chat: str | None = None, account: str | None = None, timeout_s: float | None = None) -> MessageResult:
        """One message with its reactions, votes and receipts."""
        result: MessageResult = await self._connection.call("message.get", id=id, chat=chat, account=account, timeout_s=timeout_s)
        return result

    async def keep(self, *, id: str | Reference, chat: str | None = None, wait: Literal["delivered", "queued", "server"] | None = None, on: bool | None = None, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> SendResult:
        """Keep a message of a disappearing chat for everybody, or let it go."""
        result: SendResult = await self._connection.call("message.keep", id=id, chat=chat, wait=wait, on=on, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def list(self, *, chat: str | None = None, before: str | None = None, after: str | None = None, limit: int | None = None, types: List[str] | None = None, account: str | None = None, timeout_s: float | None = None) -> Message_ReadListResult:
        """Messages, newest first; with `after`, oldest first from there."""
        result: Message_ReadListResult = await self._connection.call("message.list", chat=chat, before=before, after=after, limit=limit, types=types, account=account, timeout_s=timeout_s)
        return result

    async def mark_read(self, *, chat: str, ids: List[str] | None = None, up_to: str | None = None, played: bool | None = None, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> ReadResult:
        """Tell the senders that their messages were read (or played), as far as the account's privacy allows."""
        result: ReadResult = await self._connection.call("message.mark_read", chat=chat, ids=ids, up_to=up_to, played=played, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def pin(self, *, id: str | Reference, chat: str | None = None, wait: Literal["delivered", "queued", "server"] | None = None, on: bool | None = None, for_s: Literal[86400, 604800, 2592000] | None = None, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> SendResult:
        """Pin a message to the top of its chat for everybody, or take it off."""
        result: SendResult = await self._connection.call("message.pin", id=id, chat=chat, wait=wait, on=on, for_s=for_s, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def react(self, *, id: str | Reference, emoji: str, chat: str | None = None, wait: Literal["delivered", "queued", "server"] | None = None, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> SendResult:
        """React to a message, or take the reaction back."""
        result: SendResult = await self._connection.call("message.react", id=id, emoji=emoji, chat=chat, wait=wait, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def request(self, *, id: str | Reference, chat: str | None = None, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> RequestResult:
        """Ask the own phone for a message that could not be read."""
        result: RequestResult = await self._connection.call("message.request", id=id, chat=chat, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def revoke(self, *, id: str | Reference, chat: str | None = None, wait: Literal["delivered", "queued", "server"] | None = None, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> SendResult:
        """Delete a message for everybody: our own, or as admin of a group anybody's."""
        result: SendResult = await self._connection.call("message.revoke", id=id, chat=chat, wait=wait, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def rsvp(self, *, id: str | Reference, response: Literal["going", "maybe", "not_going"], chat: str | None = None, wait: Literal["delivered", "queued", "server"] | None = None, extra_guests: int | None = None, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> SendResult:
        """Answer an invitation to an event."""
        result: SendResult = await self._connection.call("message.rsvp", id=id, response=response, chat=chat, wait=wait, extra_guests=extra_guests, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def search(self, *, query: str, chat: str | None = None, sender: str | None = None, since: str | None = None, until: str | None = None, limit: int | None = None, before: int | None = None, account: str | None = None, timeout_s: float | None = None) -> SearchResult:
        """Find messages by their words, latest first."""
        result: SearchResult = await self._connection.call("message.search", query=query, chat=chat, sender=sender, since=since, until=until, limit=limit, before=before, account=account, timeout_s=timeout_s)
        return result

    async def send(self, *, to: str, text: str | None = None, image: MediaObject | None = None, video: MediaObject | None = None, video_note: MediaObject | None = None, audio: MediaObject | None = None, voice: MediaObject | None = None, document: MediaObject | None = None, sticker: MediaObject | None = None, sticker_pack: StickerPackObject | None = None, location: LocationObject | None = None, contacts: List[ContactObject] | None = None, poll: PollObject | None = None, event: EventObject | None = None, album: List[AlbumItem] | None = None, group_invite: GroupInviteObject | None = None, comment: CommentObject | None = None, product: ProductObject | None = None, raw: str | None = None, caption: str | None = None, reply_to: str | Reference | None = None, mentions: List[str] | None = None, mention_all: bool | None = None, view_once: bool | None = None, ttl_s: Literal[0, 86400, 604800, 7776000] | None = None, forwarded: bool | int | None = None, link_preview: bool | PreviewObject | None = None, style: StyleObject | None = None, not_before: str | None = None, not_after: str | None = None, wait: Literal["delivered", "queued", "server"] | None = None, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> SendResult:
        """Send a message of any kind. It is durable before this returns, and sent as soon as the account can."""
        result: SendResult = await self._connection.call("message.send", to=to, text=text, image=image, video=video, video_note=video_note, audio=audio, voice=voice, document=document, sticker=sticker, sticker_pack=sticker_pack, location=location, contacts=contacts, poll=poll, event=event, album=album, group_invite=group_invite, comment=comment, product=product, raw=raw, caption=caption, reply_to=reply_to, mentions=mentions, mention_all=mention_all, view_once=view_once, ttl_s=ttl_s, forwarded=forwarded, link_preview=link_preview, style=style, not_before=not_before, not_after=not_after, wait=wait, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def star(self, *, id: str | Reference, chat: str | None = None, on: bool | None = None, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> Done:
        """Mark a message with a star, or take it off. Only you see it."""
        result: Done = await self._connection.call("message.star", id=id, chat=chat, on=on, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def trace(self, *, id: str, account: str | None = None, timeout_s: float | None = None) -> TraceResult:
        """All that is known to have happened to a message, in order: queued, tried, sent, acknowledged, delivered, read, healed."""
        result: TraceResult = await self._connection.call("message.trace", id=id, account=account, timeout_s=timeout_s)
        return result

    async def vote(self, *, id: str | Reference, options: List[str], chat: str | None = None, wait: Literal["delivered", "queued", "server"] | None = None, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> SendResult:
        """Vote in a poll. The vote replaces an earlier one."""
        result: SendResult = await self._connection.call("message.vote", id=id, options=options, chat=chat, wait=wait, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result


class OutboxMethods:
    """`outbox.*`"""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def cancel(self, *, outbox_id: str, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> EntryResult:
        """Take back what has not left yet."""
        result: EntryResult = await self._connection.call("outbox.cancel", outbox_id=outbox_id, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def get(self, *, outbox_id: str, account: str | None = None, timeout_s: float | None = None) -> EntryResult:
        """One row."""
        result: EntryResult = await self._connection.call("outbox.get", outbox_id=outbox_id, account=account, timeout_s=timeout_s)
        return result

    async def list(self, *, status: List[Literal["cancelled", "delivered", "expired", "failed", "played", "queued", "read", "sent", "server_ack"]] | None = None, after: int | None = None, limit: int | None = None, account: str | None = None, timeout_s: float | None = None) -> OutboxListResult:
        """Messages that wait or were sent in the last days, in the order in which they came."""
        result: OutboxListResult = await self._connection.call("outbox.list", status=status, after=after, limit=limit, account=account, timeout_s=timeout_s)
        return result

    async def retry(self, *, outbox_id: str, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> EntryResult:
        """Try a failed, expired or cancelled message once more, under the same id."""
        result: EntryResult = await self._connection.call("outbox.retry", outbox_id=outbox_id, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result


class PairMethods:
    """`pair.*`"""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def cancel(self, *, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> AccountResult:
        """Close the pairing window."""
        result: AccountResult = await self._connection.call("pair.cancel", account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def code(self, *, phone: str, custom: str | None = None, fresh: bool | None = None, expect: str | None = None, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> CodeResult:
        """A code of eight characters to type on the phone (Linked devices, link with phone number instead)."""
        result: CodeResult = await self._connection.call("pair.code", phone=phone, custom=custom, fresh=fresh, expect=expect, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def passkey(self, *, response: dict[str, Any] | None = None, confirm: bool | None = None, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> PasskeyResult:
        """Answer what only a person can: the passkey's assertion, or whether both codes are the same."""
        result: PasskeyResult = await self._connection.call("pair.passkey", response=response, confirm=confirm, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def qr(self, *, png: bool | None = None, svg: bool | None = None, ascii: bool | None = None, data_url: bool | None = None, fresh: bool | None = None, expect: str | None = None, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> QrResult:
        """The QR code to scan now; opens a pairing window or joins the open one. New codes come as `pair.qr` events."""
        result: QrResult = await self._connection.call("pair.qr", png=png, svg=svg, ascii=ascii, data_url=data_url, fresh=fresh, expect=expect, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result


class PresenceMethods:
    """`presence.*`"""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def set(self, *, online: bool, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> Done:
        """Appear online, or not, until the connection ends. While online the phone may keep its notifications to itself."""
        result: Done = await self._connection.call("presence.set", online=online, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def watch(self, *, ids: List[str], account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> Done:
        """Be told (`contact.presence`) when these people come and go, until the connection ends. Needs `presence.set`."""
        result: Done = await self._connection.call("presence.watch", ids=ids, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result


class PrivacyMethods:
    """`privacy.*`"""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def get(self, *, refresh: bool | None = None, exceptions: bool | None = None, account: str | None = None, timeout_s: float | None = None) -> PrivacyResult:
        """The account's privacy settings."""
        result: PrivacyResult = await self._connection.call("privacy.get", refresh=refresh, exceptions=exceptions, account=account, timeout_s=timeout_s)
        return result

    async def set(self, *, last_seen: Literal["all", "contact_blacklist", "contacts", "none"] | None = None, online: Literal["all", "match_last_seen"] | None = None, picture: Literal["all", "contact_blacklist", "contacts", "none"] | None = None, about: Literal["all", "contact_blacklist", "contacts", "none"] | None = None, group_add: Literal["all", "contact_blacklist", "contacts", "none"] | None = None, read_receipts: Literal["all", "none"] | None = None, calls: Literal["all", "contacts", "known"] | None = None, messages: Literal["all", "contacts"] | None = None, defense: Literal["off", "on_standard"] | None = None, default_timer_s: Literal[0, 86400, 604800, 7776000] | None = None, hide_from: List[str] | None = None, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> PrivacyResult:
        """Change privacy settings; each is a request of its own."""
        result: PrivacyResult = await self._connection.call("privacy.set", last_seen=last_seen, online=online, picture=picture, about=about, group_add=group_add, read_receipts=read_receipts, calls=calls, messages=messages, defense=defense, default_timer_s=default_timer_s, hide_from=hide_from, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result


class ProfileMethods:
    """`profile.*`"""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def get(self, *, id: str | None = None, business: bool | None = None, account: str | None = None, timeout_s: float | None = None) -> ProfileResult:
        """Name, about text and picture, as WhatsApp shows them now; what is hidden from the account is absent."""
        result: ProfileResult = await self._connection.call("profile.get", id=id, business=business, account=account, timeout_s=timeout_s)
        return result

    async def set(self, *, name: str | None = None, about: str | None = None, picture: MediaObject | None = None, remove_picture: bool | None = None, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> ProfileResult:
        """Change what others see of the account: name, about text, picture."""
        result: ProfileResult = await self._connection.call("profile.set", name=name, about=about, picture=picture, remove_picture=remove_picture, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result


class ReplyMethods:
    """`reply.*`"""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def list(self, *, account: str | None = None, timeout_s: float | None = None) -> RepliesResult:
        """All quick replies."""
        result: RepliesResult = await self._connection.call("reply.list", account=account, timeout_s=timeout_s)
        return result

    async def set(self, *, id: str | None = None, shortcut: str | None = None, text: str | None = None, keywords: List[str] | None = None, delete: bool | None = None, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> RepliesResult:
        """Make, change or delete a quick reply. Returns all of them."""
        result: RepliesResult = await self._connection.call("reply.set", id=id, shortcut=shortcut, text=text, keywords=keywords, delete=delete, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result


class RpcMethods:
    """`rpc.*`"""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def check(self, *, method: str, params: dict[str, Any] | None = None, timeout_s: float | None = None) -> RpcChecked:
        """Whether a call would be accepted: method, parameters, account and rights. Nothing is run."""
        result: RpcChecked = await self._connection.call("rpc.check", method=method, params=params, timeout_s=timeout_s)
        return result

    async def discover(self, *, timeout_s: float | None = None) -> dict[str, Any]:
        """The OpenRPC document: all methods with their parameters, results and errors, and all types of events."""
        result: dict[str, Any] = await self._connection.call("rpc.discover", timeout_s=timeout_s)
        return result

    async def whoami(self, *, timeout_s: float | None = None) -> Whoami:
        """Who the kernel says you are, and what you may call."""
        result: Whoami = await self._connection.call("rpc.whoami", timeout_s=timeout_s)
        return result


class SettingsMethods:
    """`settings.*`"""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def list(self, *, prefix: str | None = None, account: str | None = None, timeout_s: float | None = None) -> SettingsResult:
        """Settings as the phone keeps them: quick replies, favourites, whether archived chats stay so, and the like."""
        result: SettingsResult = await self._connection.call("settings.list", prefix=prefix, account=account, timeout_s=timeout_s)
        return result


class StoryMethods:
    """`story.*`"""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def post(self, *, text: str | None = None, image: MediaObject | None = None, video: MediaObject | None = None, video_note: MediaObject | None = None, audio: MediaObject | None = None, voice: MediaObject | None = None, document: MediaObject | None = None, sticker: MediaObject | None = None, sticker_pack: StickerPackObject | None = None, location: LocationObject | None = None, contacts: List[ContactObject] | None = None, poll: PollObject | None = None, event: EventObject | None = None, album: List[AlbumItem] | None = None, group_invite: GroupInviteObject | None = None, comment: CommentObject | None = None, product: ProductObject | None = None, raw: str | None = None, caption: str | None = None, reply_to: str | Reference | None = None, mentions: List[str] | None = None, mention_all: bool | None = None, view_once: bool | None = None, ttl_s: Literal[0, 86400, 604800, 7776000] | None = None, forwarded: bool | int | None = None, link_preview: bool | PreviewObject | None = None, style: StyleObject | None = None, audience: List[str] | None = None, wait: Literal["delivered", "queued", "server"] | None = None, account: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> SendResult:
        """Post a story. It is seen for 24 hours by its audience, and by nobody else."""
        result: SendResult = await self._connection.call("story.post", text=text, image=image, video=video, video_note=video_note, audio=audio, voice=voice, document=document, sticker=sticker, sticker_pack=sticker_pack, location=location, contacts=contacts, poll=poll, event=event, album=album, group_invite=group_invite, comment=comment, product=product, raw=raw, caption=caption, reply_to=reply_to, mentions=mentions, mention_all=mention_all, view_once=view_once, ttl_s=ttl_s, forwarded=forwarded, link_preview=link_preview, style=style, audience=audience, wait=wait, account=account, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result


class TokenMethods:
    """`token.*`"""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def create(self, *, scopes: List[Literal["admin", "read", "send"]], accounts: List[str] | None = None, methods: List[str] | None = None, expires_in_s: float | None = None, note: str | None = None, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> Created:
        """Make a token. A connection shows it in `daemon.hello` or as `Authorization: Bearer`, and is narrowed to it."""
        result: Created = await self._connection.call("token.create", scopes=scopes, accounts=accounts, methods=methods, expires_in_s=expires_in_s, note=note, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result

    async def list(self, *, timeout_s: float | None = None) -> TokenListed:
        """All tokens, without their secrets."""
        result: TokenListed = await self._connection.call("token.list", timeout_s=timeout_s)
        return result

    async def revoke(self, *, id: str, timeout_s: float | None = None, key: str | None = None, dry_run: bool | None = None) -> Done:
        """Make a token void for new connections."""
        result: Done = await self._connection.call("token.revoke", id=id, timeout_s=timeout_s, key=key, dry_run=dry_run)
        return result


class AsyncClient(Connection):
    """All methods, by noun: `client.message.send(…)`; `events(…)` of the connection follows the log."""

    def __init__(self, path: str | os.PathLike[str] | None = None, *, timeout: float | None = 75.0) -> None:
        super().__init__(path, timeout=timeout)
        self.account = AccountMethods(self)
        self.calls = CallMethods(self)
        self.channel = ChannelMethods(self)
        self.chat = ChatMethods(self)
        self.community = CommunityMethods(self)
        self.contact = ContactMethods(self)
        self.daemon = DaemonMethods(self)
        self.event = EventsMethods(self)
        self.group = GroupMethods(self)
        self.hook = HookMethods(self)
        self.label = LabelMethods(self)
        self.media = MediaMethods(self)
        self.message = MessageMethods(self)
        self.outbox = OutboxMethods(self)
        self.pair = PairMethods(self)
        self.presence = PresenceMethods(self)
        self.privacy = PrivacyMethods(self)
        self.profile = ProfileMethods(self)
        self.reply = ReplyMethods(self)
        self.rpc = RpcMethods(self)
        self.settings = SettingsMethods(self)
        self.story = StoryMethods(self)
        self.token = TokenMethods(self)

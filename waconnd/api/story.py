"""`story.post`: what the apps call status, and this socket calls a story, since status is a word for states."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from protocol.content import build
from protocol.errors import ProtocolError
from protocol.flows import privacy
from protocol.jid import STATUS, Jid
from waconnd.account import NotReady
from waconnd.address import resolve
from waconnd.api.host import fleet, host
from waconnd.api.message import SEND_ERRORS, SendResult, WaitFor, shown
from waconnd.compose.desk import Desk, one_of
from waconnd.compose.params import Colour, Said, StyleObject
from waconnd.outgoing import Parcel, again, digest, known_key, post
from waconnd.rpc.caller import Call
from waconnd.rpc.declare import Scope, method
from waconnd.rpc.errors import RpcError
from waconnd.rpc.times import rfc3339

_KINDS: Final = ("text", "image", "video", "voice")
#: The apps' own limit is the phone book; this one keeps a slip from taking hours.
MAX_AUDIENCE: Final = 5000
#: A text without colours would be white on white.
BACKGROUND: Colour = "#1E6E4F"
_PAGE: Final = 200


class PostParams(Said, frozen=True, kw_only=True):
    """A text, an image, a video or a voice note."""

    audience: Annotated[
        list[str],
        Meta(
            max_length=MAX_AUDIENCE,
            description="Who may see it. Absent: as set on the phone, else all contacts with a name.",
        ),
    ] = []
    wait: WaitFor = "server"


@method(
    "story.post",
    scope=Scope.SEND,
    account=True,
    owns_key=True,
    deadline_s=3600,
    errors=SEND_ERRORS,
    example={
        "text": "Open until ten tonight",
        "style": {"background": "#1E6E4F"},
        "audience": ["+15550002222"],
    },
)
async def post_story(call: Call, params: PostParams) -> SendResult:
    """Post a story. It is seen for 24 hours by its audience, and by nobody else."""
    all, account = fleet(call), fleet(call).get(call.account)
    name = one_of(params)
    if name not in _KINDS:
        raise RpcError("invalid_params", f"a story is one of {', '.join(_KINDS)}, not `{name}`")
    said: dict[str, Any] = msgspec.to_builtins(params)
    hash = digest(
        "story.post", {key: said[key] for key in said if key not in ("key", "timeout_s", "wait", "account")}
    )
    earlier = await known_key(all, call.account, call.key or "", hash)
    if earlier is not None:
        return shown(await again(all, account, earlier, params.wait, call.timeout_s))
    audience = await audience_of(call, params.audience)
    if not audience:
        raise RpcError(
            "invalid_params", "nobody would see it: name an `audience`, or save contacts", path="$.audience"
        )
    if params.text is not None and params.style is None:
        params = msgspec.structs.replace(params, style=StyleObject(background=BACKGROUND))
    desk = Desk(call, host(call), STATUS)
    try:
        key, value = await desk.content(params)
        message = build(key, value, await desk.options(params, name))
        if call.dry_run:
            desk.forget()
            return SendResult(at=rfc3339(account.now()), status="checked", chat={"id": str(STATUS)})
        parcel = Parcel(
            to=STATUS,
            message=message,
            via=call.peer.user,
            key=call.key or "",
            hash=hash,
            audience=tuple(audience),
            waiting=tuple(desk.waiting),
        )
        return shown(await post(all, account, parcel, params.wait, call.timeout_s))
    except RpcError as error:
        if "outbox_id" not in error.data:
            desk.forget()
        raise


async def audience_of(call: Call, named: list[str]) -> list[str]:
    """Who sees a story: who is named, else whom the user's own setting lets see it."""
    if named:
        people = [await resolve(fleet(call), call.account, one) for one in named]
        return list(dict.fromkeys(str(person) for person in people if person.is_user))
    kind, chosen = await _chosen(call)
    if kind == "whitelist":
        return [str(person) for person in chosen][:MAX_AUDIENCE]
    hidden = {str(person) for person in chosen} if kind == "blacklist" else set()
    found: list[str] = []
    after = ""
    while len(found) < MAX_AUDIENCE:
        page = await fleet(call).archive.contacts.page(call.account, after=after, limit=_PAGE)
        found += [
            contact.pn or contact.id
            for contact in page
            if contact.name and not hidden & {contact.id, contact.pn, contact.lid}
        ]
        if len(page) < _PAGE:
            break
        after = page[-1].id
    return found[:MAX_AUDIENCE]


async def _chosen(call: Call) -> tuple[str, tuple[Jid, ...]]:
    """Whom the user's own setting lets see stories; all contacts while nobody can be asked."""
    try:
        return await fleet(call).get(call.account).flow(privacy.audience)
    except (NotReady, ProtocolError):
        return "contacts", ()

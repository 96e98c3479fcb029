"""People: who they are, what they link, write and do."""

from __future__ import annotations

import base64
from typing import Annotated

from msgspec import Meta

from protocol.stanza.pairing import BadQr
from waconnd.rpc.caller import Call
from waconnd.rpc.declare import Done, NoParams, Params, Result, Scope, method
from waconnd.rpc.errors import RpcError
from waconnd.sandbox.control.common import DONE, Name, To, bad, sandbox
from waconnd.sandbox.party import Read
from waconnd.sandbox.people import Person
from waconnd.sandbox.phone import LinkFailed
from waconnd.sandbox.sandbox import Sandbox


class PersonInfo(Result, frozen=True):
    """Somebody in the sandbox."""

    name: str
    number: str
    lid: str
    devices: list[int]
    online: bool


class Info(Result, frozen=True):
    """Where the sandbox is, and who lives there."""

    url: str
    root: Annotated[str, Meta(description="The certificate root that clients must trust, in hex.")]
    media: list[str]
    now: float
    people: list[PersonInfo]
    connections: int
    complaints: Annotated[list[str], Meta(description="What clients did wrong.")]


def _about(person: Person) -> PersonInfo:
    account = person.account
    return PersonInfo(person.name, account.user, str(account.lid), sorted(account.devices), account.online)


@method("sandbox.info", scope=Scope.READ)
async def info(call: Call, params: NoParams) -> Info:
    """Address, certificate root, people, clock."""
    box = sandbox(call)
    return Info(
        url=box.url,
        root=box.root.public.hex(),
        media=box.world.blobs.hosts,
        now=box.clock(),
        people=[_about(person) for person in box.people.values()],
        connections=sum(
            link.device is None or not box.world.is_resident(link.device) for link in box.world.links.values()
        ),
        complaints=box.world.complaints[-100:],
    )


class PersonParams(Params, frozen=True):
    name: Name
    number: Annotated[str, Meta(pattern=r"^\d{7,15}$|^$")] = ""


@method("sandbox.person", scope=Scope.SEND, mutates=False, example={"name": "ada"})
async def person(call: Call, params: PersonParams) -> PersonInfo:
    """A person with a phone; born when first named."""
    return _about(sandbox(call).person(params.name, params.number))


class ScanParams(Params, frozen=True):
    name: Name
    qr: Annotated[str, Meta(description="The text of the QR code.")]


@method(
    "sandbox.scan",
    scope=Scope.SEND,
    mutates=False,
    errors=("not_found",),
    example={"name": "ada", "qr": "https://wa.me/…"},
)
async def scan(call: Call, params: ScanParams) -> Done:
    """A person's phone scans a QR code and links the device that shows it."""
    try:
        sandbox(call).scan(params.name, params.qr)
    except LinkFailed as error:
        raise RpcError("not_found", str(error)) from error
    except BadQr as error:
        raise bad(error) from error
    return DONE


class CodeParams(Params, frozen=True):
    name: Name
    code: Annotated[str, Meta(description="The eight letters that the device shows.")]


@method(
    "sandbox.code",
    scope=Scope.SEND,
    mutates=False,
    errors=("not_found",),
    example={"name": "ada", "code": "ABCD-1234"},
)
async def code(call: Call, params: CodeParams) -> Done:
    """A person types a link code into the phone."""
    try:
        await sandbox(call).enter_code(params.name, params.code)
    except LinkFailed as error:
        raise RpcError("not_found", str(error)) from error
    except ValueError as error:
        raise bad(error) from error
    return DONE


class SayParams(Params, frozen=True):
    name: Name
    to: To
    text: str


class Said(Result, frozen=True):
    id: str


@method("sandbox.say", scope=Scope.SEND, mutates=False, example={"name": "bob", "to": "ada", "text": "hello"})
async def say(call: Call, params: SayParams) -> Said:
    """A person writes a text to somebody or to a group."""
    try:
        return Said(sandbox(call).say(params.name, params.to, params.text))
    except ValueError as error:
        raise bad(error) from error


class MediaParams(Params, frozen=True):
    name: Name
    to: To
    kind: Annotated[str, Meta(description="image, video, audio, document or sticker")]
    data: Annotated[str, Meta(description="The file, in base64.")]
    caption: str = ""
    mimetype: str = ""


@method(
    "sandbox.media",
    scope=Scope.SEND,
    mutates=False,
    example={"name": "bob", "to": "ada", "kind": "image", "data": "/9j/4A=="},
)
async def media(call: Call, params: MediaParams) -> Said:
    """A person sends a file."""
    box = sandbox(call)
    try:
        data = base64.b64decode(params.data)
        id = box.person(params.name).send_media(
            box.address(params.to), params.kind, data, caption=params.caption, mimetype=params.mimetype
        )
    except (ValueError, KeyError) as error:
        raise bad(error) from error
    box.pump()
    return Said(id)


class ActParams(Params, frozen=True):
    name: Name
    act: Annotated[
        str,
        Meta(
            description="react, edit, revoke, read, type, stop_typing, appear, disappear, call, status, offline, online, "
            "reinstall, companion, lid, unlink"
        ),
    ]
    to: str = ""
    id: Annotated[str, Meta(description="The message it is about.")] = ""
    text: str = ""
    device: int = 1


@method(
    "sandbox.act",
    scope=Scope.SEND,
    mutates=False,
    errors=("not_found",),
    example={"name": "bob", "act": "type", "to": "ada"},
)
async def act(call: Call, params: ActParams) -> Said:
    """A person does something other than writing."""
    box = sandbox(call)
    try:
        id = _act(box, box.person(params.name), params)
    except ValueError as error:
        raise bad(error) from error
    box.pump()
    return Said(id)


def _found(someone: Person, id: str) -> Read:
    for read in reversed(someone.phone.read):
        if read.id == id or not id:
            return read
    raise RpcError("not_found", f"{someone.name} has no message {id!r}")


def _act(box: Sandbox, someone: Person, params: ActParams) -> str:
    match params.act:
        case "react":
            return someone.react(_found(someone, params.id), params.text)
        case "edit":
            return someone.edit(box.address(params.to), params.id, params.text)
        case "revoke":
            return someone.revoke(box.address(params.to), params.id)
        case "read":
            someone.mark_read(_found(someone, params.id))
        case "type" | "stop_typing":
            someone.type_to(box.address(params.to), params.act == "type")
        case "appear" | "disappear":
            someone.appear(params.act == "appear")
        case "call":
            return someone.call(box.address(params.to))
        case "status":
            return someone.post_status(params.text)
        case "offline":
            someone.go_offline()
        case "online":
            someone.come_online()
        case "reinstall":
            someone.reinstall()
        case "companion":
            return str(someone.add_companion().device.number)
        case "lid":
            someone.change_lid(params.text)
        case "unlink":
            someone.unlink(params.device)
        case _:
            raise ValueError(f"nobody can {params.act!r}")
    return ""


class GroupParams(Params, frozen=True):
    name: Name
    subject: str
    members: list[str]


class GroupMade(Result, frozen=True):
    id: str


@method(
    "sandbox.group",
    scope=Scope.SEND,
    mutates=False,
    example={"name": "ada", "subject": "Lunch", "members": ["bob"]},
)
async def group(call: Call, params: GroupParams) -> GroupMade:
    """A person starts a group."""
    return GroupMade(str(sandbox(call).group(params.name, params.subject, params.members).jid))


class RuleParams(Params, frozen=True):
    name: Name
    pattern: Annotated[str, Meta(description="A regular expression over incoming texts.")]
    answer: Annotated[str, Meta(description=r"What is said; \1 is the first group.")] = ""
    react: str = ""
    read: bool = False


@method(
    "sandbox.rule",
    scope=Scope.SEND,
    mutates=False,
    example={"name": "bob", "pattern": "ping", "answer": "pong"},
)
async def rule(call: Call, params: RuleParams) -> Done:
    """From now on a person does this by itself when a text matches."""
    box = sandbox(call)
    try:
        box.rule(params.name, params.pattern, answer=params.answer, react=params.react, read=params.read)
    except ValueError as error:
        raise bad(error) from error
    return DONE

"""`message.*`: sending."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Final, Literal

import anyio
import msgspec
from msgspec import Meta

from protocol.content import Options, build, facts
from protocol.crypto.primitives import sha256
from protocol.flows.outgoing import ID_PREFIX
from protocol.jid import Jid
from waconnd.address import resolve
from waconnd.api.host import fleet
from waconnd.rpc.caller import Call
from waconnd.rpc.declare import Params, Result, Scope, method
from waconnd.store.archive.outbox import Draft

if TYPE_CHECKING:
    from waconnd.daemon import Daemon

#: How long a send waits for the server's word when the caller says nothing.
SERVER_SECONDS: Final = 60.0

Wait = Literal["queued", "server", "delivered"]


class SendParams(Params, frozen=True, kw_only=True):
    to: Annotated[str, Meta(description="A number, an address or an alias.")]
    text: Annotated[str, Meta(min_length=1, max_length=65536)]
    wait: Annotated[Wait, Meta(description="Return when it is stored, or when the server has it.")] = "server"
    key: Annotated[str, Meta(max_length=200, description="The same key sends the same message once.")] = ""


class SendResult(Result, frozen=True, kw_only=True):
    id: str
    outbox_id: str
    chat: str
    status: str
    error: str = ""


@method("message.send", scope=Scope.SEND, account=True, example={"to": "+15550002222", "text": "hello"})
async def send(call: Call, params: SendParams) -> SendResult:
    """Send a message. It is durable before this returns; `wait` says how far it must have come."""
    all = fleet(call)
    account = all.get(call.account)
    to = await resolve(all, call.account, params.to)
    message = build("text", params.text, Options(secret=os.urandom(32)))
    draft = Draft(
        chat=str(to),
        id=new_id(to),
        content=message.SerializeToString(),
        hash=sha256(msgspec.json.encode([params.to, params.text])),
        key=params.key,
        meta={"facts": msgspec.to_builtins(facts(message))},
        pairing=account.pairing_id,
    )
    entry, _ = await all.archive.outbox.add(call.account, draft)
    status, error = entry.status, entry.error
    if params.wait != "queued" and status in ("queued", "sent"):
        with anyio.move_on_after(call.timeout_s or SERVER_SECONDS):
            outcome = await all.pumps[call.account].landed(entry.outbox_id)
            status, error = outcome.status, outcome.error  # type: ignore[assignment]
    return SendResult(id=entry.id, outbox_id=entry.outbox_id, chat=entry.chat, status=status, error=error)


def new_id(to: Jid) -> str:
    """A fresh message id."""
    return ID_PREFIX + sha256(os.urandom(32) + str(to).encode())[:9].hex().upper()


async def send_text(daemon: Daemon, account: str, chat: str, text: str, key: str) -> None:
    """For hooks: what a program answered goes to the chat of the event."""
    raise NotImplementedError

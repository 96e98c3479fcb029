"""Proof that somebody knows us: trusted-contact tokens, theirs to show and ours to issue (reference 02, 5.8)."""

from __future__ import annotations

from typing import Final

import msgspec

from protocol.crypto.primitives import hmac_sha256
from protocol.effects import Commit
from protocol.flows.context import Context
from protocol.flows.mapping import session_jid
from protocol.flows.soft import Familiar
from protocol.jid import Jid
from protocol.keystore import Kind, Txn, View
from protocol.node import Node
from protocol.stanza import iq

WEEK: Final = 7 * 24 * 3600
#: A token lives in its own week and the three after it.
WEEKS: Final = 3
TRUSTED: Final = "trusted_contact"


class Token(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a person issued to us, and when we issued ours. Filed under the hidden id when known."""

    token: bytes = b""
    timestamp: int = 0
    sender_timestamp: int = 0
    v: int = 1

    def __repr__(self) -> str:
        return f"Token(<{len(self.token)} bytes>)"


TOKENS: Final = Familiar(Kind.TC_TOKEN, Token)


def note(txn: Txn, issuer: Jid, token: bytes, at: int) -> bool:
    """Keep a token that `issuer` gave us, unless we have a newer one."""
    name = str(session_jid(txn, issuer.bare))
    held = TOKENS.get(txn, name) or Token()
    if held.timestamp > at or not token:
        return False
    TOKENS.put(txn, name, msgspec.structs.replace(held, token=token, timestamp=at))
    return True


async def forget_old(ctx: Context) -> None:
    """After a login: tokens that prove nothing any more go, theirs and ours."""
    txn = ctx.txn()
    for name in list(TOKENS.ids(txn)):
        held = TOKENS.get(txn, name)
        if held is not None and max(held.timestamp, held.sender_timestamp) < _cutoff(ctx):
            TOKENS.delete(txn, name)
    if txn.changes:
        await Commit(txn)


def proof(ctx: Context, view: View, chat: Jid) -> list[Node]:
    """`<tctoken>`, else `<cstoken>`, for a one-to-one message; nothing when there is neither."""
    if not wanted(ctx, chat):
        return []
    name = session_jid(view, chat.bare)
    held = TOKENS.get(view, str(name))
    if held is not None and held.token and held.timestamp >= _cutoff(ctx):
        return [Node("tctoken", {}, held.token)]
    salt = ctx.creds().nct_salt
    if salt and name.is_lid:
        return [Node("cstoken", {}, hmac_sha256(salt, str(name).encode()))]
    return []


def wanted(ctx: Context, chat: Jid) -> bool:
    """Only for persons other than ourselves."""
    return chat.is_user and chat.user != "0" and not ctx.is_me(chat)


def issue(ctx: Context, txn: Txn, chat: Jid) -> list[Node]:
    """Our own token for somebody we write to, once a week; its stanza rides with the message."""
    if not wanted(ctx, chat):
        return []
    name = session_jid(txn, chat.bare)
    held = TOKENS.get(txn, str(name)) or Token()
    now = int(ctx.now)
    if now // WEEK <= held.sender_timestamp // WEEK:
        return []
    TOKENS.put(txn, str(name), msgspec.structs.replace(held, sender_timestamp=now))
    return [_issue(ctx, name, now)]


def reissue(ctx: Context, view: View, person: Jid) -> list[Node]:
    """The same token again, with its old time: the person's phone has a new identity."""
    name = session_jid(view, person.bare)
    held = TOKENS.get(view, str(name))
    return [_issue(ctx, name, held.sender_timestamp)] if held and held.sender_timestamp else []


def _cutoff(ctx: Context) -> int:
    return (int(ctx.now) // WEEK - WEEKS) * WEEK


def _issue(ctx: Context, to: Jid, at: int) -> Node:
    token = Node("token", {"jid": to, "t": str(at), "type": TRUSTED})
    node = iq.set("privacy", Node("tokens", {}, [token]))
    # Nobody waits for the answer, so the runner gives it no id.
    return Node("iq", {**node.attrs, "id": f"tc-{ctx.random(6).hex()}"}, node.content)


def parse_notification(node: Node) -> tuple[Jid, list[tuple[bytes, int]]]:
    """`<notification type="privacy_token">`: the issuer, and (token, time). The token's `jid` names *our* device."""
    issuer = node.jid("sender_lid") or node.need_jid("from")
    tokens = node.child("tokens")
    found = [
        (token.content_bytes(), token.number("t"))
        for token in (tokens.all("token") if tokens else ())
        if token.text("type") == TRUSTED
    ]
    return issuer.bare, found

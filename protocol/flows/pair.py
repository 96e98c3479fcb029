"""Linking a device: QR codes in turn, and what happens when the phone agrees (reference 01, 5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from protocol.creds import Account, Creds
from protocol.effects import Commit, Expect, Reaction
from protocol.errors import RemoteProtocolError, TimedOut
from protocol.events.account import AccountLinked, Me
from protocol.events.pairing import PairExpired, PairFailed, PairSucceeded, QrShown
from protocol.flows import mapping
from protocol.flows.context import Context
from protocol.node import BadNode, Node
from protocol.signal.records import IDENTITIES, Identity
from protocol.stanza import iq, linkcode, login, pairing, passkey
from protocol.stanza.adv import AdvError, SignedIdentity, accept_container

#: The phone needs time to be found; later codes are for those who are ready (reference 01, 5.4).
FIRST_CODE_SECONDS: Final = 60.0
NEXT_CODE_SECONDS: Final = 20.0


class PairRefused(RemoteProtocolError):
    """The phone's answer was not accepted; `reply` tells the server."""

    def __init__(self, reason: str, code: int, text: str, reply: Node) -> None:
        super().__init__(f"pairing refused: {text}")
        self.reason, self.code, self.reply = reason, code, reply


async def show_codes(ctx: Context, refs: Sequence[str]) -> None:
    """Tell one code after the other, until they run out or another step of pairing takes over."""
    for index, ref in enumerate(refs):
        until = ctx.now + (FIRST_CODE_SECONDS if index == 0 else NEXT_CODE_SECONDS)
        while True:
            code = qr_text(ctx, ref)
            ctx.tell(QrShown(at=ctx.now, code=code, index=index + 1, of=len(refs), expires_at=until))
            try:
                node = await Expect(_ends_code, until - ctx.now)
            except TimedOut:
                break
            if not pairing.is_refresh(node):
                ctx.tell(PairExpired(at=ctx.now, what="qr", reason="used"))
                return
            # The server forgets what it knew of the secret: a new one, and the same reference drawn again.
            await renew_secret(ctx)
    ctx.tell(PairExpired(at=ctx.now, what="qr", reason="timeout"))


def qr_text(ctx: Context, ref: str) -> str:
    """The code for a reference, with our keys as they are now."""
    creds = ctx.creds()
    kind = login.client_type(ctx.settings.platform_type)
    return pairing.QrCode(ref, creds.noise.public, creds.identity.public, creds.adv_secret, kind).text()


async def renew_secret(ctx: Context, secret: bytes = b"") -> None:
    """Replace the pairing secret; it is durable when this returns."""
    fresh = secret or ctx.random(32)
    txn = ctx.txn()
    ctx.set_creds(txn, lambda creds: msgspec.structs.replace(creds, adv_secret=fresh))
    await Commit(txn)


def accept(ctx: Context, node: Node, server_chain: bytes = b"") -> Reaction:
    """Check pair-success: complete credentials in one commit, the signed answer behind it. Raises PairRefused.

    `server_chain`: the verified certificate chain of this connection, so that the restart takes one round trip less.
    """
    creds = ctx.creds()
    try:
        success = pairing.read_pair_success(node)
        _check_number(ctx, success.pn.user)
        signed = accept_container(success.container, creds.adv_secret, creds.identity, ctx.random)
    except AdvError as error:
        raise PairRefused(
            "pairing_failed", error.code, error.text, iq.error(node, error.code, error.text)
        ) from error
    except BadNode as error:
        raise PairRefused("pairing_failed", 500, str(error), iq.error(node, 500, "internal-error")) from error
    except WrongPhone as error:
        raise PairRefused("wrong_phone", 500, str(error), iq.error(node, 500, "refused")) from error
    if success.server_time:
        ctx.clock_offset = success.server_time - ctx.now
    account = _account(success, signed)
    txn = ctx.txn()
    ctx.set_creds(txn, lambda creds: _linked(creds, account, success.lid_migrated, server_chain))
    mapping.learn(txn, success.pn, success.lid)
    # Whoever speaks for the phone from now on is the key that vouched for us.
    IDENTITIES.put(txn, (success.lid or success.pn).on(0).signal_address, Identity(signed.account_key))
    me = who(account)
    key = f"{account.pn}-{signed.timestamp}"
    return Reaction(
        stanzas=(pairing.signed(node, signed.encode(with_key=False), signed.key_index),),
        txn=txn,
        events=(
            PairSucceeded(at=ctx.now, key=f"paired-{key}", me=me, device=success.pn.device),
            AccountLinked(at=ctx.now, key=f"linked-{key}", me=me, device=success.pn.device),
        ),
    )


def failed(ctx: Context, reason: str, advice: str, *, code: int = 0, going_on: bool = False) -> PairFailed:
    """The event for a pairing that did not work."""
    return PairFailed(at=ctx.now, reason=reason, code=code, advice=advice, going_on=going_on)


def who(account: Account, name: str = "") -> Me:
    """Ourselves, as events show us."""
    lid = account.lid_jid
    return Me(
        number=f"+{account.pn_jid.user}",
        lid=str(lid.bare) if lid else "",
        name=name,
        platform=account.platform,
        business_name=account.business_name,
    )


class WrongPhone(RemoteProtocolError):
    """Another account's phone scanned the code."""


def _check_number(ctx: Context, number: str) -> None:
    wanted = ctx.settings.expect_number
    if wanted and number != wanted:
        raise WrongPhone("another phone scanned the code than the one expected")


def _account(success: pairing.PairSuccess, signed: SignedIdentity) -> Account:
    return Account(
        pn=str(success.pn),
        lid=str(success.lid) if success.lid else "",
        details=signed.details,
        account_key=signed.account_key,
        account_signature=signed.account_signature,
        device_signature=signed.device_signature,
        key_index=signed.key_index,
        platform=success.platform,
        business_name=success.business_name,
    )


def _linked(creds: Creds, account: Account, lid_migrated: bool, server_chain: bytes) -> Creds:
    return msgspec.structs.replace(
        creds, account=account, lid_migrated=lid_migrated, login_count=0, server_chain=server_chain
    )


def _ends_code(node: Node) -> bool:
    return (
        pairing.is_pair_success(node)
        or pairing.brings_refs(node)
        or pairing.is_refresh(node)
        or passkey.is_request(node)
        or linkcode.stage_of(node) == linkcode.PRIMARY_HELLO
    )

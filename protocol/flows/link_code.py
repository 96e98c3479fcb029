"""Linking by a code typed on the phone, and by passkey where the account demands one (reference 01, 6)."""

from __future__ import annotations

from typing import Final

import msgspec

from protocol.crypto.curve import KEY, KeyPair, generate
from protocol.effects import Ask, Expect, Lookup
from protocol.errors import IqError, LinkLost, ProtocolError, RemoteProtocolError, TimedOut
from protocol.events.pairing import CodeShown, PairExpired, PasskeyRequired
from protocol.flows.context import Context
from protocol.flows.pair import failed, renew_secret
from protocol.flows.questions import ConfirmCode, NeedPasskey, StretchCode
from protocol.node import Node
from protocol.stanza import linkcode, login, pairing, passkey

#: A code lives no longer than the references of its connection.
CODE_SECONDS: Final = 160.0
#: After our last word the phone's agreement comes, or the code was wrong.
AGREE_SECONDS: Final = 60.0
#: So often the phone may answer one code (the official client's bound).
MAX_ANSWERS: Final = 3
#: A person has to find the phone and touch the authenticator.
PASSKEY_SECONDS: Final = passkey.HANDOFF_SECONDS

#: Browser names that the server takes in `companion_platform_display`; others it answers with 400.
_BROWSERS: Final = {"1": "Chrome", "2": "Edge", "3": "Firefox", "4": "IE", "5": "Opera", "6": "Safari"}


async def link_code(ctx: Context, number: str, code: str = "") -> None:
    """Show a code for this phone number until the phone has agreed. Start it when QR codes are being shown.

    Raises ValueError for a number or a code that is none, IqError when the server refuses: never repeat that by
    itself, since a second request for a number kills the first code.
    """
    number = linkcode.phone_number(number)
    letters = linkcode.normalize(code) if code else ""
    while await _one_code(ctx, number, letters or linkcode.base32(ctx.random(5))):
        letters = ""


async def _one_code(ctx: Context, number: str, letters: str) -> bool:
    """One code's life. True: the server wants another."""
    creds = ctx.creds()
    ephemeral = generate(ctx.random)
    salt, iv = ctx.random(linkcode.SALT), ctx.random(linkcode.IV)
    key = await _stretch(letters, salt)
    kind = login.client_type(ctx.settings.platform_type)
    hello = linkcode.Hello(
        number,
        linkcode.wrap(key, salt, iv, ephemeral.public),
        creds.noise.public,
        kind,
        f"{_BROWSERS.get(kind, 'Chrome')} (Linux)",
    )
    try:
        ref = await Ask(linkcode.companion_hello(hello), linkcode.read_ref)
    except IqError as error:
        ctx.tell(failed(ctx, "code_refused", _REFUSED.get(error.code, _REFUSED[0]), code=error.code))
        raise
    until = ctx.now + CODE_SECONDS
    ctx.tell(CodeShown(at=ctx.now, code=linkcode.show(letters), expires_at=until))

    def is_next(node: Node) -> bool:
        return _is_answer(node, ref) or pairing.is_pair_success(node)

    for _ in range(MAX_ANSWERS):
        try:
            node = await Expect(is_next, until - ctx.now)
        except TimedOut:
            ctx.tell(PairExpired(at=ctx.now, what="code", reason="timeout"))
            return False
        if pairing.is_pair_success(node):
            return False
        if linkcode.stage_of(node) == linkcode.REFRESH_CODE:
            ctx.tell(PairExpired(at=ctx.now, what="code", reason="refresh"))
            return node.need(linkcode.TYPE).text("force_manual_refresh") != "true"
        try:
            await _agree(ctx, _Code(number, letters, ref, ephemeral), node)
        except (RemoteProtocolError, TimedOut) as error:
            code = error.code if isinstance(error, IqError) else 0
            advice = f"Linking by code did not work: {error}. Ask for a new code."
            ctx.tell(failed(ctx, "code_failed", advice, code=code))
            return False
        until = ctx.now + AGREE_SECONDS
    ctx.tell(failed(ctx, "code_not_accepted", "The phone did not accept the code. Ask for a new one."))
    return False


class _Code(msgspec.Struct, frozen=True):
    """A code on display."""

    number: str
    letters: str
    ref: bytes
    ephemeral: KeyPair


async def _agree(ctx: Context, code: _Code, node: Node) -> None:
    """Our last word to the phone's answer, and with it the secret that both now share."""
    answer, identity = linkcode.read_primary_hello(node), ctx.creds().identity
    peer = linkcode.unwrap(await _stretch(code.letters, linkcode.salt_of(answer.wrapped)), answer.wrapped)
    end = linkcode.finish(code.ephemeral, identity, peer, answer.identity, ctx.random)
    # The phone uses the new secret as soon as it has the bundle: ours is durable before that leaves.
    await renew_secret(ctx, end.adv_secret)
    last = linkcode.companion_finish(code.number, code.ref, end.bundle, identity.public)
    await Ask(last, lambda reply: reply)


async def prove_passkey(ctx: Context, request: Node) -> None:
    """The account demands a passkey: pass the question on to a person, and their answer to the server."""
    try:
        await _prove(ctx, request)
    except LinkLost:
        raise
    except (ProtocolError, ValueError) as error:
        code = error.code if isinstance(error, IqError) else 0
        advice = f"Pairing with the passkey did not work: {error}. Start pairing anew."
        ctx.tell(failed(ctx, "passkey_failed", advice, code=code))


async def _prove(ctx: Context, request: Node) -> None:
    creds = ctx.creds()
    handoff, until = passkey.handoff_key(creds.adv_secret), ctx.now + passkey.HANDOFF_SECONDS
    secret = ctx.random(KEY)
    await renew_secret(ctx, secret)
    options = passkey.options_of(request) or await Ask(passkey.ask_options(), passkey.options_of)
    ctx.tell(PasskeyRequired(at=ctx.now, challenge=options.decode(), expires_at=until))
    try:
        assertion = await Lookup(NeedPasskey(options, until), bytes)
    except TimedOut:
        ctx.tell(
            failed(ctx, "passkey_required", "The account demands a passkey, and nobody gave one in time.")
        )
        return
    ref = await Ask(passkey.ask_ref(), passkey.read_ref)
    ephemeral, nonce = generate(ctx.random), ctx.random(passkey.NONCE)
    kind = ctx.settings.platform_type
    prologue = passkey.prologue(ephemeral.public, kind, ref, nonce)
    proof = passkey.handoff_proof(handoff, prologue.payload) if ctx.now < until else b""
    credential = passkey.credential_id(assertion)
    await Ask(passkey.send_prologue(credential, assertion, prologue.payload, proof), lambda reply: reply)
    node = await Expect(passkey.is_continuation, PASSKEY_SECONDS)
    primary = passkey.read_primary_identity(node.need("primary_ephemeral_identity").content_bytes())
    await Ask(passkey.send_nonce(nonce), lambda reply: reply)
    key = passkey.encryption_key(ephemeral, primary.public, kind, ref)
    if not proof and not await _compared(ctx, passkey.comparison_code(nonce, primary)):
        ctx.tell(failed(ctx, "code_differs", "The phone shows another code: start pairing anew."))
        return
    sealed = passkey.seal_request(
        key, ctx.random(passkey.IV), creds.noise.public, creds.identity.public, secret
    )
    await Ask(passkey.send_request(sealed), lambda reply: reply)
    await Expect(pairing.is_pair_success, AGREE_SECONDS)


async def _compared(ctx: Context, code: str) -> bool:
    until = ctx.now + PASSKEY_SECONDS
    ctx.tell(CodeShown(at=ctx.now, code=code, expires_at=until, compare=True))
    return await Lookup(ConfirmCode(code, until), bool)


async def _stretch(letters: str, salt: bytes) -> bytes:
    return await Lookup(StretchCode(letters.encode(), salt, linkcode.ITERATIONS), bytes)


def _is_answer(node: Node, ref: bytes) -> bool:
    if linkcode.stage_of(node) not in (linkcode.PRIMARY_HELLO, linkcode.REFRESH_CODE):
        return False
    named = node.need(linkcode.TYPE).child("link_code_pairing_ref")
    return named is not None and named.content_bytes() == ref


_REFUSED: Final = {
    0: "WhatsApp refuses a link code now. Scan the QR code instead, or try again later.",
    400: "WhatsApp refuses a link code for this number: check the number; it also says so to too many requests.",
    403: "This number may not be linked by code. Scan the QR code instead.",
    429: "Too many link codes were asked for. Wait an hour, or scan the QR code.",
    452: "WhatsApp offers no link codes for this number. Scan the QR code instead.",
}

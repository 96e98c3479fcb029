"""`pair.*`: link a phone, by QR, by code, with a passkey where the account demands one."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Annotated, Any, Final, TypeVar

import anyio
import anyio.lowlevel
import msgspec
from msgspec import Meta

from protocol.engine.states import WORDS
from protocol.events.pairing import QrShown
from protocol.flows.link_code import link_code
from waconnd import qr as drawing
from waconnd.account import Account
from waconnd.api.account import STEP_SECONDS, AccountResult, described
from waconnd.api.host import fleet
from waconnd.flows import unlink
from waconnd.rpc.caller import Call
from waconnd.rpc.declare import NoParams, Params, Result, Scope, method
from waconnd.rpc.errors import RpcError
from waconnd.rpc.times import rfc3339

T = TypeVar("T")

#: From the call to the first code: a dial, a handshake, the server's references.
QR_SECONDS: Final = 30.0

Expect = Annotated[str, Meta(description="Only a phone with this number may link; another one is refused.")]


class QrParams(Params, frozen=True, kw_only=True):
    png: Annotated[bool, Meta(description="Also as PNG (base64).")] = False
    svg: Annotated[bool, Meta(description="Also as SVG.")] = False
    ascii: Annotated[bool, Meta(description="Also drawn with block characters.")] = False
    data_url: Annotated[bool, Meta(description="Also as `data:image/png;base64,…`.")] = False
    fresh: Annotated[
        bool, Meta(description="Pair anew although keys exist: they are set aside, never deleted.")
    ] = False
    expect: Expect = ""


class QrResult(Result, frozen=True, kw_only=True):
    code: Annotated[str, Meta(description="The text of the QR code.")]
    index: Annotated[int, Meta(description="Which code of this window, from 1.")]
    of: int
    expires_at: str
    png: str | None = None
    svg: str | None = None
    ascii: str | None = None
    data_url: str | None = None


def _shown(qr: QrShown, params: QrParams) -> QrResult:
    png = drawing.png(qr.code) if params.png or params.data_url else b""
    encoded = base64.b64encode(png).decode()
    return QrResult(
        code=qr.code,
        index=qr.index,
        of=qr.of,
        expires_at=rfc3339(qr.expires_at),
        png=encoded if params.png else None,
        svg=drawing.svg(qr.code) if params.svg else None,
        ascii=drawing.terminal(qr.code) if params.ascii else None,
        data_url=f"data:image/png;base64,{encoded}" if params.data_url else None,
    )


@method("pair.qr", scope=Scope.ADMIN, account=True, errors=("not_ready", "timeout"), example={"ascii": True})
async def qr(call: Call, params: QrParams) -> QrResult:
    """The QR code to scan now; opens a pairing window or joins the open one. New codes come as `pair.qr` events."""
    return await _first(call, await _window(call, fresh=params.fresh, expect=params.expect), params)


class CodeParams(Params, frozen=True, kw_only=True):
    phone: Annotated[str, Meta(description="The phone's number, with country code.")]
    custom: Annotated[
        str, Meta(description="Eight characters of your own, of 1-9 and A-Z without I, O, U.")
    ] = ""
    fresh: bool = False
    expect: Expect = ""


class CodeResult(Result, frozen=True):
    code: str
    expires_at: str


@method(
    "pair.code", scope=Scope.ADMIN, account=True, errors=("not_ready",), example={"phone": "+15550001111"}
)
async def code(call: Call, params: CodeParams) -> CodeResult:
    """A code of eight characters to type on the phone (Linked devices, link with phone number instead)."""
    digits = "".join(c for c in params.phone if c.isdigit())
    if not 7 <= len(digits) <= 15 or digits.startswith("0"):
        raise RpcError("invalid_params", "the number needs its country code: +15550001111", path="$.phone")
    account = await _window(call, fresh=params.fresh, expect=params.expect)
    held = account.code
    if held is not None and held.expires_at > account.now():
        # A second request would kill the first code: the server routes the phone's answer by number.
        if account.code_number == digits and not params.custom:
            return CodeResult(held.code, rfc3339(held.expires_at))
        raise RpcError(
            "not_ready",
            "another code is on display; it must expire, or be cancelled, before there is a new one",
            account=account.name,
            advice="`pair.cancel` takes it back",
        )
    patience = _patience(call)
    with anyio.move_on_after(patience):
        # The server takes a request for a code only after it has sent its references.
        await _appears(account, lambda: account.qr)
        account.code, account.code_number = None, digits
        account.start_flow(lambda ctx: link_code(ctx, digits, params.custom), lane="link_code")
        shown = await _appears(account, lambda: account.code)
        return CodeResult(shown.code, rfc3339(shown.expires_at))
    raise _no_code(account, patience)


class ChangeParams(Params, frozen=True, kw_only=True):
    expect: Expect = ""


@method("account.change_number", scope=Scope.ADMIN, account=True, errors=("not_ready", "timeout"))
async def change_number(call: Call, params: ChangeParams) -> QrResult:
    """Another phone for the same account: unlinks this one, sets its keys aside, and gives the code to scan."""
    account = fleet(call).get(call.account)
    if account.linked:
        await unlink(account)
        await fleet(call).archive.outbox.fail_open(
            call.account, "the account's number was changed before it left"
        )
    account = await _window(call, fresh=True, expect=params.expect)
    return await _first(call, account, QrParams())


async def _first(call: Call, account: Account, params: QrParams) -> QrResult:
    patience = _patience(call)
    with anyio.move_on_after(patience):
        return _shown(await _appears(account, lambda: account.qr), params)
    raise _no_code(account, patience)


def _patience(call: Call) -> float:
    """Ends before the caller's own: it shall hear what is the matter, not that the time is over."""
    return min(QR_SECONDS, 0.9 * call.timeout_s) if call.timeout_s else QR_SECONDS


async def _appears(account: Account, read: Callable[[], T | None]) -> T:
    """Wait for something to show, as long as pairing is possible."""
    while (value := read()) is None:
        _still_possible(account)
        await account.shown.wait()
    return value


@method("pair.cancel", scope=Scope.ADMIN, account=True)
async def cancel(call: Call, params: NoParams) -> AccountResult:
    """Close the pairing window."""
    account = fleet(call).get(call.account)
    account.cancel_pairing()
    with anyio.move_on_after(STEP_SECONDS):
        await account.wait([word for word in WORDS if word not in ("pairing", "waiting", "connecting")])
    return described(call, call.account)


class PasskeyParams(Params, frozen=True, kw_only=True):
    response: Annotated[
        dict[str, Any] | None,
        Meta(description="The WebAuthn assertion for the challenge of `pair.passkey_required`."),
    ] = None
    confirm: Annotated[bool | None, Meta(description="Does the phone show the code of `pair.code`?")] = None


class PasskeyResult(Result, frozen=True):
    next: Annotated[str, Meta(description="What happens now.")]


@method("pair.passkey", scope=Scope.ADMIN, account=True, errors=("not_found",))
async def passkey(call: Call, params: PasskeyParams) -> PasskeyResult:
    """Answer what only a person can: the passkey's assertion, or whether both codes are the same."""
    people = fleet(call).get(call.account).people
    if params.response is not None:
        if people.answer("passkey", msgspec.json.encode(params.response)):
            return PasskeyResult("the phone goes on; a code may follow to compare")
    elif params.confirm is not None and people.answer("confirm", params.confirm):
        return PasskeyResult("the phone links" if params.confirm else "pairing ends")
    raise RpcError("not_found", "nothing is asked at the moment; start with `pair.qr`")


async def _window(call: Call, *, fresh: bool, expect: str) -> Account:
    all = fleet(call)
    if fresh and all.damaged(call.account):
        await all.renew(call.account)
        fresh = False
    account = all.get(call.account)
    if account.linked and not fresh and account.standing.word != "logged_out":
        raise RpcError(
            "not_ready",
            f"account {call.account!r} is linked already ({account.standing.word})",
            account=call.account,
            retryable=False,
            advice="`fresh` sets its keys aside and pairs anew; `account.logout` unlinks it",
        )
    if fresh or account.standing.word in ("logged_out", "failed"):
        account = await all.renew(call.account)
    if account.memo.stopped:
        await account.start()
    account.pair(expect="".join(c for c in expect if c.isdigit()))
    return account


def _still_possible(account: Account) -> None:
    if account.linked:
        raise RpcError("not_ready", "the account was linked meanwhile", account=account.name, retryable=False)


def _no_code(account: Account, patience: float) -> RpcError:
    report = account.report()
    why = f" ({report.reason})" if report.reason else ""
    return RpcError(
        "not_ready",
        f"WhatsApp gave no code within {patience:.0f} s; the account is {report.state}{why}",
        account=account.name,
        advice=report.advice or None,
    )

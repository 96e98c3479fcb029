"""`account.*`: create, start, stop, wait, log out, remove."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import anyio
import anyio.lowlevel
from msgspec import Meta

from protocol.engine.states import WORDS
from waconnd.api.host import fleet, host
from waconnd.config import ACCOUNT_NAME
from waconnd.flows import unlink
from waconnd.rpc.caller import Call
from waconnd.rpc.declare import NoParams, Params, Result, Scope, method
from waconnd.rpc.errors import RpcError
from waconnd.rpc.times import rfc3339
from waconnd.standing import Report

#: A task that was woken has moved by then.
STEP_SECONDS: Final = 1.0
#: `account.wait` without a time of its own.
WAIT_SECONDS: Final = 60.0

Word = Literal[
    "unlinked", "pairing", "connecting", "syncing", "ready", "waiting", "limited", "conflict", "stopped", "logged_out", "failed"
]  # fmt: skip
assert set(WORDS) == set(Word.__args__)  # type: ignore[attr-defined]


class MeResult(Result, frozen=True):
    """Who the account is to others."""

    number: str
    lid: str = ""
    name: str = ""
    platform: str = ""
    business_name: str = ""


class AccountResult(Result, frozen=True, kw_only=True):
    """An account and where it stands."""

    account: str
    state: Word
    since: str
    reason: Annotated[str, Meta(description="A row of docs/states.md, when something is wrong.")] = ""
    code: Annotated[int, Meta(description="The server's number, if it gave one.")] = 0
    transient: Annotated[bool, Meta(description="False: it will not pass by itself.")] = True
    advice: Annotated[str, Meta(description="What to do, in words.")] = ""
    next_retry_at: str | None = None
    until: str | None = None
    attempts: Annotated[int, Meta(description="Failed tries since the last good connection.")] = 0
    last_connect_at: str | None = None
    last_inbound_at: str | None = None
    phone_seen_at: Annotated[
        str | None, Meta(description="When the phone last showed itself; after two weeks WhatsApp unlinks.")
    ] = None
    me: MeResult | None = None
    labels: dict[str, str] = {}
    outbox: Annotated[
        int, Meta(description="Messages that wait to be sent; told by `account.list` and `account.get`.")
    ] = 0


def described(call: Call, name: str, waiting: int = 0) -> AccountResult:
    """An account as the socket shows it."""
    all = fleet(call)
    report: Report = all.report(name)
    me = report.me
    held = all.accounts.get(name)
    return AccountResult(
        account=name,
        state=report.state,  # type: ignore[arg-type]
        since=rfc3339(report.since),
        reason=report.reason,
        code=report.code,
        transient=report.transient,
        advice=report.advice,
        next_retry_at=_time(report.next_retry_at),
        until=_time(report.until),
        attempts=report.attempts,
        last_connect_at=_time(report.last_connect_at),
        last_inbound_at=_time(report.last_inbound_at),
        phone_seen_at=_time(report.phone_seen_at),
        me=MeResult(me.number, me.lid, me.name, me.platform, me.business_name) if me else None,
        labels=dict(held.memo.labels) if held else {},
        outbox=waiting,
    )


def _time(at: float | None) -> str | None:
    return None if not at else rfc3339(at)


class ListResult(Result, frozen=True):
    accounts: list[AccountResult]


@method("account.list", scope=Scope.READ)
async def list_(call: Call, params: NoParams) -> ListResult:
    """All accounts that you may see, with their states."""
    names = [name for name in fleet(call).names() if call.rights.allows("read", name)]
    waiting = await fleet(call).archive.outbox.depths(names)
    return ListResult([described(call, name, waiting[name]) for name in names])


@method("account.get", scope=Scope.READ, account=True)
async def get(call: Call, params: NoParams) -> AccountResult:
    """One account: its state, why, what to do, and when it is tried again."""
    return described(call, call.account, await fleet(call).archive.outbox.depth(call.account))


class CreateParams(Params, frozen=True, kw_only=True):
    account: Annotated[str, Meta(description="A name of your own: a-z, 0-9, - and _, at most 32.")]
    labels: Annotated[dict[str, str], Meta(description="Notes of your own, shown with the account.")] = {}


@method("account.create", scope=Scope.ADMIN, example={"account": "shop"}, errors=("account_exists_differs",))
async def create(call: Call, params: CreateParams) -> AccountResult:
    """Make an account. The same name again gives the same account."""
    if not ACCOUNT_NAME.match(params.account):
        raise RpcError(
            "invalid_params",
            f"{params.account!r} is no name for an account: a-z, 0-9, - and _, at most 32, not beginning with a mark",
            path="$.account",
        )
    all = fleet(call)
    if params.account in all.names():
        held = all.accounts.get(params.account)
        if held is not None and params.labels and params.labels != held.memo.labels:
            raise RpcError(
                "account_exists_differs",
                f"account {params.account!r} exists with other labels",
                account=params.account,
            )
        return described(call, params.account)
    if not call.dry_run:
        account = await all.open(params.account, create=True)
        if account is not None and params.labels:
            await account.remember(labels=params.labels)
    return described(call, params.account)


@method("account.start", scope=Scope.ADMIN, account=True)
async def start(call: Call, params: NoParams) -> AccountResult:
    """Connect and stay connected, also after a restart. Leaves `conflict` and `failed`."""
    all = fleet(call)
    if call.account in all.broken:
        await all.open(call.account)
    if not call.dry_run:
        account = all.get(call.account)
        await account.start()
        if account.linked:
            # Its task takes the next step; "stopped" would be no answer to a start.
            with anyio.move_on_after(STEP_SECONDS):
                await account.wait([word for word in WORDS if word != "stopped"])
    return described(call, call.account)


@method("account.stop", scope=Scope.ADMIN, account=True)
async def stop(call: Call, params: NoParams) -> AccountResult:
    """Disconnect and stay so, also after a restart. The link to the phone is kept."""
    if not call.dry_run:
        account = fleet(call).get(call.account)
        await account.stop()
        await account.wait(("stopped", "unlinked", "logged_out", "failed"))
    return described(call, call.account)


@method("account.reconnect", scope=Scope.ADMIN, account=True)
async def reconnect(call: Call, params: NoParams) -> AccountResult:
    """A new connection now, without waiting for the next try."""
    if not call.dry_run:
        fleet(call).get(call.account).reconnect()
        await anyio.lowlevel.checkpoint()
    return described(call, call.account)


class WaitParams(Params, frozen=True):
    state: Annotated[Word, Meta(description="The state to wait for.")] = "ready"


@method("account.wait", scope=Scope.READ, account=True, mutates=False, deadline_s=3600, errors=("timeout",))
async def wait(call: Call, params: WaitParams) -> AccountResult:
    """Return once the account is in a state; `timeout_s` says how long to wait (60 s when absent)."""
    account = fleet(call).get(call.account)
    with anyio.move_on_after(call.timeout_s or WAIT_SECONDS):
        await account.wait((params.state,))
        return described(call, call.account)
    report = account.report()
    raise RpcError(
        "timeout",
        f"account {call.account!r} is {report.state}, not {params.state}",
        account=call.account,
        advice=report.advice or None,
    )


class LogoutResult(Result, frozen=True):
    unlinked: bool
    confirmed: Annotated[bool, Meta(description="WhatsApp has confirmed it.")]


class LogoutParams(Params, frozen=True):
    keep_history: Annotated[bool, Meta(description="Keep messages, chats and contacts here.")] = True


@method("account.logout", scope=Scope.ADMIN, account=True, errors=("not_linked",))
async def logout(call: Call, params: LogoutParams) -> LogoutResult:
    """Unlink this device: WhatsApp is told, unsent messages fail, the keys are set aside. A new pairing is needed."""
    all = fleet(call)
    account = all.get(call.account)
    if not account.linked:
        raise RpcError("not_linked", f"account {call.account!r} is not linked", account=call.account)
    if call.dry_run:
        return LogoutResult(unlinked=True, confirmed=False)
    confirmed = await unlink(account)
    await all.archive.outbox.fail_open(call.account, "the account was logged out before it left")
    await all.renew(call.account)
    if not params.keep_history:
        await all.archive.accounts.forget(call.account)
    return LogoutResult(unlinked=True, confirmed=confirmed)


class RemoveParams(Params, frozen=True):
    confirm: Annotated[str, Meta(description="The account's name once more.")]


class RemoveResult(Result, frozen=True):
    removed: bool
    kept: Annotated[str, Meta(description="Where its keys lie now; delete them when you are sure.")] = ""


@method("account.remove", scope=Scope.ADMIN, account=True, example={"account": "shop", "confirm": "shop"})
async def remove(call: Call, params: RemoveParams) -> RemoveResult:
    """Log out if possible, forget its messages, set its keys aside."""
    if params.confirm != call.account:
        raise RpcError("invalid_params", f"`confirm` must be {call.account!r}", path="$.confirm")
    all = fleet(call)
    if call.dry_run:
        return RemoveResult(removed=True)
    if call.account in all.accounts:
        account = all.accounts[call.account]
        if account.linked:
            await unlink(account)
        await all.close(call.account)
    all.broken.pop(call.account, None)
    kept = all.aside(call.account)
    await all.archive.accounts.forget(call.account)
    host(call).metrics.forget_account(call.account)
    return RemoveResult(removed=True, kept=str(kept))


class ConfigureParams(Params, frozen=True):
    labels: Annotated[dict[str, str] | None, Meta(description="Replaces all labels.")] = None


@method("account.configure", scope=Scope.ADMIN, account=True)
async def configure(call: Call, params: ConfigureParams) -> AccountResult:
    """Change what is kept with an account."""
    changes: dict[str, Any] = {}
    if params.labels is not None:
        changes["labels"] = params.labels
    if changes and not call.dry_run:
        await fleet(call).get(call.account).remember(**changes)
    return described(call, call.account)

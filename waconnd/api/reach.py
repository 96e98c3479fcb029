"""Whom we may write to, and how fast: `contact.check`, `account.limits`, `account.audit`."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from msgspec import Meta

from protocol.flows.numbers import MAX_NUMBERS
from protocol.flows.placeholder import ask_again
from protocol.flows.retry_state import ASKED
from protocol.jid import parse
from waconnd.address import resolve
from waconnd.api.host import fleet
from waconnd.governor import Level
from waconnd.reach import check
from waconnd.rpc.caller import Call
from waconnd.rpc.declare import NoParams, Params, Result, Scope, method
from waconnd.rpc.errors import RpcError
from waconnd.rpc.times import rfc3339


class CheckParams(Params, frozen=True):
    numbers: Annotated[list[str], Meta(min_length=1, max_length=MAX_NUMBERS)]


class Checked(Result, frozen=True, kw_only=True):
    """What WhatsApp says of a number."""

    input: str
    registered: bool
    id: Annotated[
        str, Meta(description="The address to write to; its digits may differ from those asked for.")
    ] = ""
    lid: str = ""
    business: bool = False
    error: Annotated[str, Meta(description="Why this could not be asked.")] = ""


class CheckResult(Result, frozen=True):
    results: list[Checked]


@method(
    "contact.check",
    scope=Scope.READ,
    account=True,
    errors=("not_ready", "rate_limited"),
    example={"numbers": ["+15550002222", "+15550009999"]},
)
async def contact_check(call: Call, params: CheckParams) -> CheckResult:
    """Whether numbers are on WhatsApp, and under which address. In Brazil, Mexico and Argentina both forms are tried."""
    account = fleet(call).get(call.account)
    digits: dict[str, str] = {}
    broken: dict[str, str] = {}
    for given in params.numbers:
        try:
            jid = await resolve(fleet(call), call.account, given)
        except RpcError as error:
            broken[given] = error.message
            continue
        if jid.is_pn:
            digits[given] = jid.user
        else:
            broken[given] = "this is no number"
    found = await check(account, list(digits.values())) if digits else {}
    results: list[Checked] = []
    for given in params.numbers:
        if given in broken:
            results.append(Checked(input=given, registered=False, error=broken[given]))
            continue
        one = found[digits[given]]
        results.append(
            Checked(
                input=given,
                registered=one.registered,
                id=str(one.pn or ""),
                lid=str(one.lid or ""),
                business=one.business,
            )
        )
    return CheckResult(results)


class BucketResult(Result, frozen=True, kw_only=True):
    """How much may be sent."""

    left: Annotated[float, Meta(description="Messages that may go at once.")]
    burst: float
    per_minute: float
    free_at: Annotated[str, Meta(description="When the next one may go.")]


class LimitsResult(Result, frozen=True, kw_only=True):
    known: Annotated[BucketResult, Meta(description="Chats in which something was said before.")]
    new: Annotated[BucketResult, Meta(description="First messages.")]
    limit: Annotated[str, Meta(description="time_lock or message_cap, while WhatsApp has set one.")] = ""
    until: str | None = None
    waiting: Annotated[int, Meta(description="Rows in the outbox that have not left.")] = 0


@method("account.limits", scope=Scope.READ, account=True)
async def limits(call: Call, params: NoParams) -> LimitsResult:
    """How fast this account may send now, and what WhatsApp itself has limited."""
    all = fleet(call)
    all.get(call.account)
    governor = all.pumps[call.account].governor
    locked = governor.locked_until > all.now()
    return LimitsResult(
        known=_bucket(governor.level(new=False)),
        new=_bucket(governor.level(new=True)),
        limit=governor.lock if locked else "",
        until=rfc3339(governor.locked_until) if locked else None,
        waiting=await all.archive.outbox.depth(call.account),
    )


def _bucket(level: Level) -> BucketResult:
    return BucketResult(
        left=round(level.left, 2),
        burst=level.burst,
        per_minute=level.per_minute,
        free_at=rfc3339(level.free_at),
    )


class Missing(Result, frozen=True, kw_only=True):
    """A message that could not be read."""

    id: str
    chat: str
    sender: str
    first_at: str
    retries: int = 0
    asked_phone: bool = False


class AuditParams(Params, frozen=True):
    repair: Annotated[bool, Meta(description="Ask the phone for what is missing.")] = False


class AuditResult(Result, frozen=True, kw_only=True):
    undecryptable: Annotated[list[Missing], Meta(description="Announced and not healed yet.")]
    waiting_for_phone: Annotated[int, Meta(description="Of those: asked of the phone.")]
    recovered: Annotated[int, Meta(description="Healed, as far as the event log reaches back.")]
    failed: Annotated[int, Meta(description="Messages of ours that will not arrive.")]
    unsent: Annotated[int, Meta(description="Messages of ours that wait.")]
    requested: Annotated[int, Meta(description="What `repair` asked the phone for.")] = 0


@method("account.audit", scope=Scope.READ, account=True, mutates=False, errors=("not_ready",))
async def audit(call: Call, params: AuditParams) -> AuditResult:
    """What is missing, undecryptable, healed or still asked for."""
    all = fleet(call)
    account = all.get(call.account)
    missing: list[Missing] = []
    waiting = requested = 0
    for name in sorted(ASKED.ids(account.keystore)):
        held = ASKED.get(account.keystore, name)
        if held is None or not held.announced:
            continue
        chat, sender, id = name.split("/", 2)
        waiting += held.asked_phone
        missing.append(
            Missing(
                id=id,
                chat=chat,
                sender=sender,
                first_at=rfc3339(held.first_at),
                retries=held.count,
                asked_phone=held.asked_phone,
            )
        )
        if params.repair:
            call.need("send", call.account)
            again = partial(ask_again, chat=parse(chat), sender=parse(sender), id=id, from_me=held.from_me)
            await account.flow(again)
            requested += 1
    return AuditResult(
        undecryptable=missing,
        waiting_for_phone=waiting,
        recovered=await all.archive.events.count(call.account, "message.recovered"),
        failed=len(await all.archive.outbox.page(call.account, ("failed", "expired"), limit=200)),
        unsent=await all.archive.outbox.depth(call.account),
        requested=requested,
    )

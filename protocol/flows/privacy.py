"""Settings that the server keeps for the account: who sees what, who is blocked, the default timer.

They are read once a day and kept true by notices of the other devices; what we change is noted at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from protocol.effects import Ask, Commit
from protocol.errors import IqError, LocalProtocolError, RemoteProtocolError, TimedOut
from protocol.events.base import Durable
from protocol.events.settings import BlocklistChanged
from protocol.events.state import SettingsChanged
from protocol.flows import freshness, people
from protocol.flows.context import Context
from protocol.flows.devices import devices_of
from protocol.flows.mapping import learn, lid_of, pn_of
from protocol.flows.numbers import check_numbers
from protocol.flows.soft import Soft
from protocol.jid import Jid, parse
from protocol.keystore import Kind, Txn, View
from protocol.node import Node
from protocol.stanza import privacy
from protocol.stanza.privacy import BlockChange, Blocked, Blocklist

LANE: Final = "privacy"
#: An exception list changed under us: it is read again, once.
CONFLICT: Final = 409
NO_AUDIENCE: Final = 404


class Choices(msgspec.Struct, frozen=True, omit_defaults=True):
    """The privacy settings by our names, and the default timer of new chats."""

    values: dict[str, str] = {}
    default_timer_s: int | None = None
    v: int = 1


class BlockedRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who is blocked: the other name, where known, by the name that the server uses."""

    people: dict[str, str] = {}
    mark: str = ""
    v: int = 1


CHOICES: Final = Soft(Kind.SETTING, Choices)
CHOICES_ID: Final = "privacy"
BLOCKED: Final = Soft(Kind.SETTING, BlockedRecord)
BLOCKED_ID: Final = "blocklist"


async def load(ctx: Context) -> None:
    """What is older than a day is read again. Refused, it is asked for at the next login."""
    try:
        if ctx.now - freshness.read_at(ctx.store, freshness.PRIVACY) > freshness.DAY:
            await fetch(ctx)
        if ctx.now - freshness.read_at(ctx.store, freshness.BLOCKLIST) > freshness.DAY:
            await fetch_blocked(ctx)
    except (RemoteProtocolError, TimedOut):
        ctx.counts["privacy.refused"] += 1


async def refresh_account(ctx: Context) -> None:
    """What `account_sync` covers: our own devices, the privacy settings, who is blocked."""
    account = ctx.account
    await devices_of(ctx, [(account.lid_jid or account.pn_jid).bare], fresh=True)
    await fetch(ctx)
    await fetch_blocked(ctx)


# --- settings -----------------------------------------------------------------------------------------------------------


def known(view: View) -> dict[str, str]:
    """The settings as we know them."""
    held = CHOICES.get(view, CHOICES_ID)
    return dict(held.values) if held is not None else {}


async def fetch(ctx: Context) -> dict[str, str]:
    """All settings, from the server."""
    values = await Ask(privacy.ask_settings(), privacy.read_settings)
    txn = ctx.txn()
    held = CHOICES.get(txn, CHOICES_ID) or Choices()
    first = not freshness.read_at(txn, freshness.PRIVACY)
    CHOICES.put(txn, CHOICES_ID, msgspec.structs.replace(held, values=values))
    freshness.note(ctx, txn, freshness.PRIVACY)
    changed = () if first or values == held.values else (_told(ctx, values),)
    await Commit(txn, events=changed)
    return values


async def change(ctx: Context, name: str, value: str) -> None:
    """One setting, by our name for it."""
    wire = privacy.WIRE.get(name)
    if wire is None or value not in privacy.CATEGORIES[wire][1]:
        allowed = privacy.CATEGORIES[wire][1] if wire else ()
        raise LocalProtocolError(f"{name} can't be {value!r}: it is one of {', '.join(allowed)}")
    await Ask(privacy.set_setting(wire, value), _nothing)
    txn = ctx.txn()
    event = note(ctx, txn, {name: value})
    await Commit(txn, events=(event,) if event else ())


async def exceptions(ctx: Context, name: str) -> tuple[Jid, ...]:
    """From whom a setting hides although contacts may see it."""
    return (await Ask(privacy.ask_exceptions(privacy.WIRE[name]), privacy.read_exceptions)).people


async def set_exceptions(ctx: Context, name: str, hidden_from: Sequence[Jid]) -> None:
    """Contacts may see it, but for these."""
    wanted = await _both_names(ctx, hidden_from)
    wire = privacy.WIRE[name]
    for last in (False, True):
        held = await Ask(privacy.ask_exceptions(wire), privacy.read_exceptions)
        add = [(jid, number) for jid, number in wanted if jid not in held.people]
        keep = {jid for jid, _ in wanted}
        remove = [(jid, pn_of(ctx.store, jid)) for jid in held.people if jid not in keep]
        try:
            await Ask(privacy.set_exceptions(wire, held.mark, add=add, remove=remove), _nothing)
            break
        except IqError as error:
            if error.code != CONFLICT or last:
                raise
    txn = ctx.txn()
    event = note(ctx, txn, {name: privacy.EXCEPT})
    await Commit(txn, events=(event,) if event else ())


def note(ctx: Context, txn: Txn, values: dict[str, str]) -> SettingsChanged | None:
    """Settings changed; None when that is no news."""
    held = CHOICES.get(txn, CHOICES_ID) or Choices()
    fresh = {**held.values, **values}
    if fresh == held.values:
        return None
    CHOICES.put(txn, CHOICES_ID, msgspec.structs.replace(held, values=fresh))
    return _told(ctx, fresh)


def _told(ctx: Context, values: dict[str, str]) -> SettingsChanged:
    return SettingsChanged(
        at=ctx.now, key=f"settings/privacy/{ctx.random(8).hex()}", name="privacy", value=values
    )


def default_timer(view: View) -> int | None:
    """The timer that new chats begin with; None when nobody has told us."""
    held = CHOICES.get(view, CHOICES_ID)
    return held.default_timer_s if held is not None else None


async def set_default_timer(ctx: Context, seconds: int) -> None:
    """New chats begin with this timer."""
    if seconds not in privacy.TIMERS:
        raise LocalProtocolError(f"a timer is one of {', '.join(map(str, privacy.TIMERS))} seconds")
    await Ask(privacy.set_default_timer(seconds), _nothing)
    txn = ctx.txn()
    event = note_timer(ctx, txn, seconds)
    await Commit(txn, events=(event,) if event else ())


def note_timer(ctx: Context, txn: Txn, seconds: int) -> SettingsChanged | None:
    """Another default timer; None when that is no news."""
    held = CHOICES.get(txn, CHOICES_ID) or Choices()
    if held.default_timer_s == seconds:
        return None
    CHOICES.put(txn, CHOICES_ID, msgspec.structs.replace(held, default_timer_s=seconds))
    key = f"settings/default_timer_s/{ctx.random(8).hex()}"
    return SettingsChanged(at=ctx.now, key=key, name="default_timer_s", value=seconds)


# --- the blocked --------------------------------------------------------------------------------------------------------


def blocked(view: View) -> list[Jid]:
    """Who is blocked, as far as we know."""
    held = BLOCKED.get(view, BLOCKED_ID)
    return [parse(name) for name in held.people] if held is not None else []


async def fetch_blocked(ctx: Context) -> list[Jid]:
    """The list, from the server; only what changed is told."""
    held = BLOCKED.get(ctx.store, BLOCKED_ID)
    mark = held.mark if held is not None and freshness.read_at(ctx.store, freshness.BLOCKLIST) else ""
    found = await Ask(privacy.ask_blocklist(mark), privacy.read_blocklist)
    txn = ctx.txn()
    events = _take(ctx, txn, found) if found.whole else ()
    freshness.note(ctx, txn, freshness.BLOCKLIST)
    await Commit(txn, events=events)
    return blocked(ctx.store)


async def block(ctx: Context, who: Jid, on: bool) -> int:
    """Block somebody, or let them write again; how many are blocked now."""
    ((jid, number),) = await _both_names(ctx, [who])
    if on and number is None:
        raise LocalProtocolError(
            "the number of this person is not known: only who has a known number can be blocked"
        )
    request = privacy.block(jid, number) if on and number is not None else privacy.unblock(jid)
    found = await Ask(request, privacy.read_blocklist)
    txn = ctx.txn()
    if found.whole and found.people:
        events = _take(ctx, txn, found)
    else:
        one = (Blocked(jid, number),)
        change = BlockChange(
            mark=found.mark, before="", blocked=one if on else (), unblocked=() if on else one
        )
        events = apply(ctx, txn, change)
    if txn.changes or events:
        await Commit(txn, events=events)
    return len(blocked(ctx.store))


def take_change(ctx: Context, txn: Txn, change: BlockChange) -> tuple[Durable, ...] | None:
    """A change that another device made; None: it does not fit what we know, read the list again."""
    held = BLOCKED.get(txn, BLOCKED_ID)
    if held is None or (change.before and held.mark not in (change.before, change.mark)):
        return None
    return apply(ctx, txn, change)


def apply(ctx: Context, txn: Txn, change: BlockChange) -> tuple[Durable, ...]:
    """Note a change; the event, unless it is no news."""
    held = BLOCKED.get(txn, BLOCKED_ID) or BlockedRecord()
    gone = {str(name) for one in change.unblocked for name in (one.jid, one.other) if name}
    left = {name: other for name, other in held.people.items() if name not in gone and other not in gone}
    new = {str(one.jid): str(one.other or "") for one in change.blocked if str(one.jid) not in left}
    return _put(ctx, txn, held, {**left, **new}, change.mark)


def _take(ctx: Context, txn: Txn, found: Blocklist) -> tuple[Durable, ...]:
    held = BLOCKED.get(txn, BLOCKED_ID) or BlockedRecord()
    for one in found.people:
        learn(txn, one.jid, one.other)
    return _put(ctx, txn, held, {str(one.jid): str(one.other or "") for one in found.people}, found.mark)


def _put(
    ctx: Context, txn: Txn, held: BlockedRecord, fresh: dict[str, str], mark: str
) -> tuple[Durable, ...]:
    BLOCKED.put(txn, BLOCKED_ID, BlockedRecord(fresh, mark or held.mark))
    came = [people.person(txn, parse(name)) for name in fresh.keys() - held.people.keys()]
    went = [people.person(txn, parse(name)) for name in held.people.keys() - fresh.keys()]
    if not came and not went:
        return ()
    key = f"blocklist/{ctx.random(8).hex()}"
    return (BlocklistChanged(at=ctx.now, key=key, blocked=came, unblocked=went, size=len(fresh)),)


async def _both_names(ctx: Context, persons: Sequence[Jid]) -> list[tuple[Jid, Jid | None]]:
    """Hidden id and number of each; those who lack a hidden id are asked for. Raises LocalProtocolError."""
    unknown = [one.user for one in persons if one.is_pn and lid_of(ctx.store, one.bare) is None]
    if unknown:
        await check_numbers(ctx, unknown)
    found: list[tuple[Jid, Jid | None]] = []
    for one in persons:
        hidden = one.bare if one.is_lid else lid_of(ctx.store, one.bare)
        if hidden is None:
            raise LocalProtocolError(f"+{one.user} is not on WhatsApp")
        found.append((hidden, pn_of(ctx.store, hidden) or (one.bare if one.is_pn else None)))
    return found


# --- stories ------------------------------------------------------------------------------------------------------------


async def audience(ctx: Context) -> tuple[str, tuple[Jid, ...]]:
    """Who sees our stories: `contacts`, `whitelist` or `blacklist`, and the people of the latter two."""
    try:
        return await Ask(privacy.ask_audience(), privacy.read_audience)
    except IqError as error:
        if error.code == NO_AUDIENCE:
            return "contacts", ()
        raise


def _nothing(_: Node) -> None:
    return None

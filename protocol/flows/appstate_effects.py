"""What records of app state change beside events: names that belong together, our own name, the salt, expired keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from protocol.appstate.actions import read
from protocol.appstate.mutation import Mutation, Op
from protocol.appstate.readers import Reading
from protocol.creds import Creds
from protocol.events.base import Durable
from protocol.events.message import Chat, Person
from protocol.flows import people
from protocol.flows.context import Context
from protocol.jid import Jid, parse
from protocol.keystore import Txn, View


class Names:
    """`protocol.appstate.readers.Names` over what is known."""

    def __init__(self, ctx: Context, view: View) -> None:
        self._ctx, self._view = ctx, view

    def chat(self, jid: Jid) -> Chat:
        return people.chat(self._view, jid)

    def person(self, jid: Jid) -> Person:
        return people.person(self._view, jid)

    def me(self) -> Person:
        account = self._ctx.account
        return people.person(self._view, account.lid_jid or account.pn_jid)


def events(ctx: Context, view: View, mutation: Mutation, key: str) -> list[Durable]:
    """What a record says, under the names that are known by now."""
    return read(Reading(Names(ctx, view), ctx.now, key), mutation)


def pairs(mutations: Iterable[Mutation]) -> Iterator[tuple[Jid, Jid]]:
    """Numbers and hidden ids that belong together, of all address book entries."""
    for mutation in mutations:
        if mutation.op is Op.REMOVE or len(mutation.index) < 2:
            continue
        others: tuple[str, ...] = ()
        if mutation.action == "contact":
            others = (mutation.value.contactAction.lidJid, mutation.value.contactAction.pnJid)
        elif mutation.action == "pnForLidChat":
            others = (mutation.value.pnForLidChatAction.pnJid,)
        for other in others:
            one, two = _user(mutation.index[1]), _user(other)
            if one is not None and two is not None and one.is_lid != two.is_lid:
                yield one, two


def apply(ctx: Context, txn: Txn, mutations: Iterable[Mutation]) -> bool:
    """Take in what concerns this device itself; whether our name is another one now."""
    creds = before = ctx.creds(txn)
    for mutation in mutations:
        creds = _changed(creds, mutation)
    if creds != before:
        ctx.set_creds(txn, lambda _: creds)
    return creds.push_name != before.push_name


def _changed(creds: Creds, mutation: Mutation) -> Creds:
    on = mutation.op is Op.SET
    value = mutation.value
    match mutation.action:
        case "setting_pushName" if on and value.pushNameSetting.name:
            return msgspec.structs.replace(creds, push_name=value.pushNameSetting.name)
        case "nct_salt_sync":
            return msgspec.structs.replace(creds, nct_salt=value.nctSaltSyncAction.salt if on else b"")
        case "sentinel" if on:
            epoch = max(creds.expired_key_epoch, value.keyExpiration.expiredKeyEpoch)
            return msgspec.structs.replace(creds, expired_key_epoch=epoch)
        case "device_capabilities" if on and value.deviceCapabilities.lidMigration.chatDbMigrationTimestamp:
            return msgspec.structs.replace(creds, lid_migrated=True)
    return creds


def _user(text: str) -> Jid | None:
    try:
        jid = parse(text.replace("@c.us", "@s.whatsapp.net"))
    except ValueError:
        return None
    return jid.bare if jid.is_user and jid.user else None

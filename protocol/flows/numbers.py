"""Asking who is on WhatsApp; the pairs of number and hidden id that come along are learned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from protocol.effects import Ask, Commit
from protocol.flows.context import Context
from protocol.flows.mapping import learn
from protocol.stanza import numbers
from protocol.stanza.numbers import Checked

#: Numbers in one question; larger lists look like a search for victims.
MAX_NUMBERS: Final = 50


async def check_numbers(ctx: Context, wanted: Sequence[str]) -> list[Checked]:
    """What the server says of these numbers (digits with country code)."""
    out: list[Checked] = []
    unique = list(dict.fromkeys(wanted))
    for start in range(0, len(unique), MAX_NUMBERS):
        part = unique[start : start + MAX_NUMBERS]
        out += await Ask(numbers.query(part, ctx.random(8).hex()), numbers.parse)
    txn = ctx.txn()
    for one in out:
        if one.pn is not None:
            learn(txn, one.pn, one.lid)
    if txn.changes:
        await Commit(txn)
    return out

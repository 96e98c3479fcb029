"""Whether a number is on WhatsApp, and under which digits: asked before the first message to it.

Some countries write their mobile numbers with a digit that WhatsApp knows, or does not: both forms are asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from protocol.flows.mapping import lid_of
from protocol.flows.numbers import check_numbers
from protocol.jid import USER, Jid
from protocol.stanza.numbers import Checked
from waconnd.account import Account

#: Country code → (length of the national number with the digit, where it stands, the digit).
_EXTRA: Final = {"55": (11, 2, "9"), "52": (11, 0, "1"), "54": (11, 0, "9")}


def forms(number: str) -> tuple[str, ...]:
    """The number as given, and its other form in Brazil, Mexico and Argentina."""
    for country, (length, place, digit) in _EXTRA.items():
        if not number.startswith(country):
            continue
        national = number[len(country) :]
        if len(national) == length and national[place : place + 1] == digit:
            return (number, country + national[:place] + national[place + 1 :])
        if len(national) == length - 1:
            return (number, country + national[:place] + digit + national[place:])
    return (number,)


async def check(account: Account, numbers: Sequence[str]) -> dict[str, Checked]:
    """What WhatsApp says of each number (digits), in whichever form it knows it. Raises NotReady and what flows raise."""
    asked = {number: forms(number) for number in numbers}
    flat = [form for found in asked.values() for form in found]
    answers = {one.number: one for one in await account.flow(lambda ctx: check_numbers(ctx, flat))}
    out: dict[str, Checked] = {}
    for number, found in asked.items():
        said = [answers[form] for form in found if form in answers]
        registered = [one for one in said if one.registered]
        if registered:
            out[number] = registered[0]
        else:
            out[number] = Checked(number=number, registered=False)
    return out


def known(account: Account, jid: Jid) -> bool:
    """Whether we have learned of this person before: then nobody need be asked."""
    return not jid.is_pn or lid_of(account.keystore, jid) is not None


async def first_address(account: Account, to: Jid) -> Jid | None:
    """The address that a first message goes to; None when nobody is there."""
    if to.server != USER or known(account, to):
        return to
    found = (await check(account, [to.user]))[to.user]
    return (found.pn or to) if found.registered else None

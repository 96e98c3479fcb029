"""What people write for a recipient, as an address of the protocol."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from protocol.jid import LEGACY_USER, LID, USER, Jid, parse
from waconnd.rpc.errors import RpcError

if TYPE_CHECKING:
    from waconnd.fleet import Fleet

#: E.164 allows fifteen digits; shorter than seven is no full number anywhere.
NUMBER: Final = re.compile(r"^\+?[\d\s().-]{7,24}$")
MAX_DIGITS: Final = 15
MIN_DIGITS: Final = 7


async def resolve(fleet: Fleet, account: str, text: str) -> Jid:
    """A number (with country code, or local under `default_country`), a JID, a group, or `alias:NAME`."""
    text = text.strip()
    if text.startswith("alias:"):
        return await _alias(fleet, account, text.removeprefix("alias:"))
    if "@" in text:
        return _jid(text)
    if not NUMBER.match(text):
        raise _bad(text, "write a number with country code (+15550001111), an address, or alias:NAME")
    digits = "".join(c for c in text if c.isdigit())
    country = fleet.country(account)
    if text.startswith("00"):
        digits = digits[2:]
    elif digits.startswith("0"):
        if not country:
            raise _bad(text, "a number without country code needs `default_country` in the configuration")
        digits = country + digits.lstrip("0")
    elif not text.startswith("+") and country and not digits.startswith(country):
        digits = country + digits
    if not MIN_DIGITS <= len(digits) <= MAX_DIGITS:
        raise _bad(text, f"a number has {MIN_DIGITS} to {MAX_DIGITS} digits with its country code")
    return Jid(digits, USER)


async def _alias(fleet: Fleet, account: str, name: str) -> Jid:
    found = await fleet.archive.contacts.by_alias(account, name)
    if found is None:
        raise RpcError("not_found", f"there is no alias {name!r}; `contact.save` makes one", path="$.to")
    return parse(found)


def _jid(text: str) -> Jid:
    try:
        jid = parse(text)
    except ValueError:
        raise _bad(text, "it is no address") from None
    if not jid.user:
        raise _bad(text, "it names a server, not a chat")
    if jid.server == LEGACY_USER:
        jid = Jid(jid.user, USER)
    if jid.server in (USER, LID) and not jid.user.isdigit():
        raise _bad(text, "the part before the @ must be digits")
    return jid.bare


def _bad(text: str, why: str) -> RpcError:
    return RpcError("invalid_params", f"{text[:80]!r} can't be written to: {why}", path="$.to")

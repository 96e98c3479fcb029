"""Addresses. A `Jid` is written with JID tags on the wire, a `str` never is."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import msgspec

USER: Final = "s.whatsapp.net"
LID: Final = "lid"
GROUP: Final = "g.us"
BROADCAST: Final = "broadcast"
NEWSLETTER: Final = "newsletter"
BOT: Final = "bot"
LEGACY_USER: Final = "c.us"
HOSTED: Final = "hosted"
HOSTED_LID: Final = "hosted.lid"
MESSENGER: Final = "msgr"
INTEROP: Final = "interop"

#: The domain byte of AD_JID, for the servers that have one.
DOMAINS: Final = {USER: 0, LID: 1, HOSTED: 128, HOSTED_LID: 129}
SERVERS: Final = {v: k for k, v in DOMAINS.items()}

#: Device 0..255 is all that AD_JID can carry.
MAX_DEVICE: Final = 255


class Jid(msgspec.Struct, frozen=True, gc=False, order=True):
    """`user:device@server`. Device 0 is the primary device and is not written."""

    user: str
    server: str
    device: int = 0
    #: INTEROP only: the other network's number.
    integrator: int = 0
    #: The raw domain byte of an AD_JID whose domain we do not know; kept so that it can be logged.
    agent: int = 0

    def __str__(self) -> str:
        if not self.user:
            return self.server
        user = f"{self.integrator}-{self.user}" if self.server == INTEROP else self.user
        agent = f".{self.agent}" if self.agent else ""
        device = f":{self.device}" if self.device else ""
        return f"{user}{agent}{device}@{self.server}"

    @property
    def bare(self) -> Jid:
        """The same user without device."""
        return Jid(self.user, self.server) if self.device or self.agent else self

    def on(self, device: int) -> Jid:
        """The given device of the same user."""
        return Jid(self.user, self.server, device)

    @property
    def is_user(self) -> bool:
        """A person (or one device of a person), by number or by hidden id."""
        return self.server in DOMAINS

    @property
    def is_lid(self) -> bool:
        """A hidden id, hosted or not."""
        return self.server in (LID, HOSTED_LID)

    @property
    def is_pn(self) -> bool:
        """A phone number, hosted or not."""
        return self.server in (USER, HOSTED)

    @property
    def is_hosted(self) -> bool:
        """A device in Meta's cloud."""
        return self.server in (HOSTED, HOSTED_LID)

    @property
    def is_group(self) -> bool:
        """A group or community."""
        return self.server == GROUP

    @property
    def is_newsletter(self) -> bool:
        """A channel."""
        return self.server == NEWSLETTER

    @property
    def is_broadcast(self) -> bool:
        """Status or a broadcast list."""
        return self.server == BROADCAST

    @property
    def signal_name(self) -> str:
        """The name part of a Signal address: the domain is appended for all but phone numbers (reference 02, 3.1)."""
        domain = DOMAINS.get(self.server, 0)
        return f"{self.user}_{domain}" if domain else self.user

    @property
    def signal_address(self) -> str:
        """`name.device`, the id under which sessions and identities are filed."""
        return f"{self.signal_name}.{self.device}"


#: The server itself, `s.whatsapp.net` with an empty user.
SERVER: Final = Jid("", USER)
GROUP_SERVER: Final = Jid("", GROUP)
STATUS: Final = Jid("status", BROADCAST)


@lru_cache(maxsize=4096)
def parse(text: str) -> Jid:
    """Read a JID's text form. Raises ValueError for what is none."""
    user, at, server = text.partition("@")
    if not at:
        user, server = "", text
    if not server or "@" in server:
        raise ValueError(f"not an address: {text!r}")
    device = agent = integrator = 0
    if server in DOMAINS or server in (MESSENGER, INTEROP):
        user, colon, tail = user.partition(":")
        if colon:
            device = _number(tail, text)
        if server == INTEROP and "-" in user:
            head, _, user = user.partition("-")
            integrator = _number(head, text)
        elif server in (USER, HOSTED):
            for mark in "._":
                if mark in user:
                    user, _, tail = user.partition(mark)
                    agent = _number(tail, text)
                    break
    return Jid(user, server, device, integrator, agent)


def _number(digits: str, whole: str) -> int:
    if not digits.isascii() or not digits.isdigit() or len(digits) > 5:
        raise ValueError(f"not an address: {whole!r}")
    return int(digits)

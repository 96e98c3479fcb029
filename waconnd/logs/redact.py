"""What must not be read in a log: keys never, addresses as a short mark that is the same for the same person."""

from __future__ import annotations

import hashlib
import re
from typing import Final

#: What looks like a person's address or number, wherever it stands: the net under all that forgot to ask for `who`.
_ADDRESS: Final = re.compile(
    r"(?<![\w+@.-])\+?\d{7,20}(?:[_.:]\d{1,5})*@(?:s\.whatsapp\.net|lid|c\.us|hosted(?:\.lid)?|msgr|interop)\b|\+\d{7,15}\b"
)

_GROUPS: Final = ("g.us", "newsletter", "broadcast")


class _Masking:
    salt = b""
    full = False


def masking(salt: bytes, *, full: bool) -> None:
    """How addresses are written from now on. The salt is this installation's, so that marks can't be looked up."""
    _Masking.salt = salt[:64]
    _Masking.full = full


class Secret(bytes):
    """Bytes that never show in a repr."""

    def __repr__(self) -> str:
        return f"<{len(self)} bytes>"

    __str__ = __repr__


def who(address: object) -> str:
    """An address as it may stand in a log: `u:7f3a9c` for a person, `g:…` for a group."""
    text = str(address)
    if _Masking.full:
        return text
    bare, _, server = text.lstrip("+").partition("@")
    user = re.split(r"[:._]", bare, maxsplit=1)[0] if server not in _GROUPS else bare
    mark = hashlib.blake2b(user.encode(), digest_size=3, key=_Masking.salt).hexdigest()
    return f"{'g' if server in _GROUPS else 'u'}:{mark}"


def scrub(text: str) -> str:
    """A text with all that looks like a person's address masked."""
    return text if _Masking.full else _ADDRESS.sub(lambda found: who(found[0]), text)

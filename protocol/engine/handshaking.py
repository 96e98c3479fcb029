"""The first stage of a connection: intro, Noise, and our payload in it."""

from __future__ import annotations

from typing import Final

from protocol.creds import Creds
from protocol.crypto.curve import Entropy
from protocol.flows.context import Settings
from protocol.noise.certificate import resumable
from protocol.noise.handshake import ClientHandshake
from protocol.noise.transport import Transport
from protocol.stanza import login
from protocol.wire.framing import frame, intro

#: The server's hello comes within this time (reference 01, 9).
HANDSHAKE_SECONDS: Final = 20.0


class Handshaking:
    """Two messages out, one in. `opening` leaves first; `finish` gives what leaves last, and the transport."""

    def __init__(
        self, creds: Creds, settings: Settings, entropy: Entropy, root: bytes, now: float, *, resume: bool
    ) -> None:
        # A resumption sends the login before the server has shown that it is alive; a registration never does.
        resume = resume and creds.account is not None and resumable(creds.server_chain, root, now)
        self._handshake = ClientHandshake(
            creds.noise, root, entropy, server_chain=creds.server_chain if resume else b""
        )
        self._payload = payload(creds, settings)
        self.deadline = now + HANDSHAKE_SECONDS
        self.opening = intro(creds.routing_info) + frame(self._handshake.hello(self._payload))

    @property
    def resuming(self) -> bool:
        """It stands on a stored chain: if this fails, the chain is what to forget."""
        return self._handshake.pattern == "IK"

    @property
    def server_chain(self) -> bytes:
        """The chain to keep, verified once `finish` has returned."""
        return self._handshake.server_chain

    def finish(self, server_hello: bytes, now: float) -> tuple[bytes, Transport]:
        """Raises CertificateError and NoiseError."""
        last, transport = self._handshake.finish(server_hello, self._payload, now)
        return (b"" if last is None else frame(last)), transport


def payload(creds: Creds, settings: Settings) -> bytes:
    """What we say we are: the presence of an account alone decides which of the two it is."""
    if creds.account is not None:
        return login.login(creds.account, settings.version, creds.login_count)
    return login.registration(
        creds,
        settings.version,
        device_name=settings.device_name,
        platform_type=settings.platform_type,
        full_history=settings.full_history,
        history_days=settings.history_days,
    )

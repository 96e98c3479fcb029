"""The server's and the phone's part when an account demands a passkey before it links a device (reference 01, 6.5)."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Final

import msgspec

from protocol.flows.phone import PasskeyProof
from protocol.node import Node
from protocol.pb.login_pb2 import CompanionEphemeralIdentity, ProloguePayload
from protocol.stanza import passkey
from waconnd.sandbox.core import Core, Refused
from waconnd.sandbox.phone import Phone
from waconnd.sandbox.state import Link

#: Whoever holds the account's passkey signs for this party.
RELYING_PARTY: Final = "whatsapp.com"
CHALLENGE_BYTES: Final = 32


@dataclass(slots=True)
class Demand:
    """One linking that waits for a passkey."""

    phone: Phone
    proof: PasskeyProof
    options: bytes
    ref: str
    prologue: bytes = b""
    nonce: bytes = b""


class Passkeys:
    """All demands in progress, by connection."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._demands: dict[int, Demand] = {}

    def demand(self, phone: Phone, link: Link, ref: str) -> None:
        """The code was scanned: ask for the passkey instead of linking."""
        challenge = urlsafe_b64encode(self._core.random(CHALLENGE_BYTES)).decode().rstrip("=")
        options = msgspec.json.encode(
            {
                "challenge": challenge,
                "rpId": RELYING_PARTY,
                "timeout": 60000,
                "allowCredentials": [],
                "userVerification": "required",
            }
        )
        self._demands[link.id] = Demand(phone, PasskeyProof(phone.random), options, ref)
        self._core.emit(link, passkey.request_notification(self._core.serial(), self._core.now, options))

    def handle(self, link: Link, iq: Node) -> list[Node]:
        """One iq of the companion."""
        demand = self._demands.get(link.id)
        if demand is None:
            raise Refused(400, "bad-request")
        child = iq.children[0] if iq.children else Node("")
        match child.tag:
            case "passkey_request_options":
                return [Node("passkey_request_options", {}, demand.options)]
            case "ref":
                return [Node("ref", {}, demand.ref)]
            case "passkey_prologue":
                return self._prologue(link, demand, child)
            case "companion_nonce":
                demand.nonce = child.content_bytes()
                return []
            case "encrypted_pairing_request":
                self._open(link, demand, child.content_bytes())
                return []
        raise Refused(400, "bad-request")

    def _prologue(self, link: Link, demand: Demand, node: Node) -> list[Node]:
        try:
            credential = passkey.credential_id(node.need("webauthn_assertion").content_bytes())
        except ValueError as error:
            raise Refused(400, "bad-request") from error
        if credential != node.need("credential_id").content_bytes():
            raise Refused(401, "not-authorized")
        demand.prologue = node.need("prologue_payload").content_bytes()
        core = self._core

        def go_on() -> None:
            core.emit(link, passkey.continuation_notification(core.serial(), core.now, demand.proof.identity))

        core.after_reply.append(go_on)
        return []

    def _open(self, link: Link, demand: Demand, sealed: bytes) -> None:
        payload = ProloguePayload.FromString(demand.prologue)
        shown = CompanionEphemeralIdentity.FromString(payload.companionEphemeralIdentity)
        prologue = passkey.Prologue(payload.companionEphemeralIdentity, demand.prologue)
        try:
            noise, identity, secret = demand.proof.open(
                prologue, shown.publicKey, int(shown.deviceType), shown.ref, demand.nonce, sealed
            )
        except passkey.PasskeyError as error:
            demand.phone.failures.append(f"passkey: {error}")
            raise Refused(401, "not-authorized") from error
        del self._demands[link.id]
        registration = link.registration
        if registration is None or link.static != noise or registration.who.identity != identity:
            raise Refused(401, "not-authorized")
        self._core.after_reply.append(lambda: demand.phone.link(link, secret))

"""The server's certificate chain: root, intermediate, leaf, each checked as strictly as can be (reference 01, 2.5)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, TypeVar

from google.protobuf.message import DecodeError

from protocol.crypto.curve import KEY, Entropy, generate
from protocol.crypto.primitives import same
from protocol.crypto.xeddsa import SIGNATURE, sign, verify
from protocol.noise.errors import CertificateError
from protocol.pb.noise_pb2 import CertChain

#: The root that real servers' chains end in, as an X25519 key. It is a parameter everywhere so that a sandbox has
#: its own; it must never come from a place that an attacker can write to.
ROOT: Final = bytes.fromhex("142375574d0a587166aae71ebe516437c4a28b73e3695c6ce1f7f9545da8ee6b")
#: The root is not sent; this is the serial that its certificate would have.
ROOT_SERIAL: Final = 0

Certificate = CertChain.NoiseCertificate
Details = CertChain.NoiseCertificate.Details

_ADVICE: Final = (
    "Something between this machine and the server may be reading along; look at proxies on the way"
)


def verify_chain(chain: bytes, server_static: bytes, root: bytes, now: float) -> None:
    """Check that the chain ends in `root`, is valid at `now` and vouches for `server_static`."""
    certificates = _parse(CertChain, chain, "chain")
    leaf, intermediate = certificates.leaf, certificates.intermediate
    for name, certificate in (("intermediate", intermediate), ("leaf", leaf)):
        if not certificate.details or not certificate.signature:
            raise CertificateError(f"The server's {name} certificate is missing. {_ADVICE}.")
        if len(certificate.signature) != SIGNATURE:
            raise CertificateError(f"The server's {name} certificate has a malformed signature. {_ADVICE}.")

    if not verify(root, intermediate.details, intermediate.signature):
        raise CertificateError(f"The server's intermediate certificate is not signed by the root. {_ADVICE}.")
    issuer = _parse(Details, intermediate.details, "intermediate certificate")
    if issuer.issuerSerial != ROOT_SERIAL:
        raise CertificateError(f"The server's intermediate certificate names another issuer. {_ADVICE}.")
    if len(issuer.key) != KEY:
        raise CertificateError(f"The server's intermediate certificate has a malformed key. {_ADVICE}.")

    if not verify(issuer.key, leaf.details, leaf.signature):
        raise CertificateError(f"The server's leaf certificate is not signed by its issuer. {_ADVICE}.")
    _check_dates(issuer, "intermediate", now)

    details = _parse(Details, leaf.details, "leaf certificate")
    if details.issuerSerial != issuer.serial:
        raise CertificateError(f"The server's leaf certificate names another issuer. {_ADVICE}.")
    if not same(details.key, server_static):
        raise CertificateError(f"The server's certificate is for another key than the server's. {_ADVICE}.")
    _check_dates(details, "leaf", now)


def leaf_key(chain: bytes) -> bytes:
    """The server's static key as the chain says, unverified."""
    key = _parse(Details, _parse(CertChain, chain, "chain").leaf.details, "leaf certificate").key
    if len(key) != KEY:
        raise CertificateError("The server's leaf certificate has a malformed key.")
    return key


def resumable(chain: bytes, root: bytes, now: float) -> bool:
    """Whether a stored chain is good for a resumption: complete, under this root, and valid at `now`."""
    try:
        verify_chain(chain, leaf_key(chain), root, now)
    except CertificateError:
        return False
    return True


def issue_chain(
    root_private: bytes, server_static_public: bytes, *, not_before: int, not_after: int, entropy: Entropy
) -> bytes:
    """A chain for a server of our own: a fresh intermediate signed by the root, and a leaf for the server's key."""
    intermediate = generate(entropy)
    issuer = Details(
        serial=1, issuerSerial=ROOT_SERIAL, key=intermediate.public, notBefore=not_before, notAfter=not_after
    )
    details = Details(
        serial=2, issuerSerial=1, key=server_static_public, notBefore=not_before, notAfter=not_after
    )
    return CertChain(
        leaf=_signed(details, intermediate.private, entropy),
        intermediate=_signed(issuer, root_private, entropy),
    ).SerializeToString()


def _signed(details: Details, private: bytes, entropy: Entropy) -> Certificate:
    raw = details.SerializeToString()
    return Certificate(details=raw, signature=sign(private, raw, entropy))


def _check_dates(details: Details, name: str, now: float) -> None:
    if now < details.notBefore:
        state = "is not valid yet"
    elif now > details.notAfter:
        state = "has expired"
    else:
        return
    raise CertificateError(
        f"The server's {name} certificate {state}: it is valid from {_date(details.notBefore)} to "
        f"{_date(details.notAfter)}, and this machine's clock says {_date(now)}. Set the clock right; if it is "
        "right, something between this machine and the server may be reading along; look at proxies on the way."
    )


def _date(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(" ", "seconds")
    except (ValueError, OverflowError, OSError):
        return f"second {seconds:.0f}"


T = TypeVar("T", CertChain, Details)


def _parse(kind: type[T], raw: bytes, what: str) -> T:
    try:
        return kind.FromString(raw)
    except DecodeError as error:
        raise CertificateError(f"The server's certificate is malformed ({what}). {_ADVICE}.") from error

"""The Noise handshake, both ends: XX, and IK with its fallback to XX (reference 01, 2.2 and 2.8).

XX takes a round and a half: the client proves itself after it has seen the server's certificate. IK saves the half: a
client that kept the server's certificate chain sends its login with the first message. A server whose key has changed
answers such a hello with its new key, and both go on as in XX (XXfallback) with the client's ephemeral key reused.
"""

from __future__ import annotations

from typing import Final, Literal, TypeVar

from google.protobuf.message import DecodeError, Message

from protocol.crypto.curve import KEY, Entropy, KeyPair, generate
from protocol.errors import LocalProtocolError
from protocol.noise.certificate import leaf_key, verify_chain
from protocol.noise.errors import CertificateError, NoiseError
from protocol.noise.symmetric import FALLBACK, IK, XX, Symmetric
from protocol.noise.transport import TAG, Transport
from protocol.pb.noise_pb2 import HandshakeMessage
from protocol.wire.framing import MAGIC

ClientHello = HandshakeMessage.ClientHello
ServerHello = HandshakeMessage.ServerHello
ClientFinish = HandshakeMessage.ClientFinish

#: A public key and its tag.
SEALED_KEY: Final = KEY + TAG

Pattern = Literal["XX", "IK", "XXfallback"]


class ClientHandshake:
    """One attempt. With a chain of an earlier connection (see `certificate.resumable`) it tries IK.

    After a NoiseError with `pattern` still "IK" the stored chain is no good: forget it and use XX. After success
    `server_chain` is the verified chain to keep.
    """

    def __init__(self, static: KeyPair, root: bytes, entropy: Entropy, *, server_chain: bytes = b"") -> None:
        self._static = static
        self._root = root
        self._ephemeral = generate(entropy)
        self._server_static = _stored_key(server_chain)
        self.server_chain = server_chain if self._server_static else b""
        self.pattern: Pattern = "IK" if self._server_static else "XX"
        self._state = Symmetric(IK if self._server_static else XX, MAGIC)

    def hello(self, payload: bytes) -> bytes:
        """The first message. Only IK sends the payload with it."""
        state, ephemeral = self._state, self._ephemeral
        hello = ClientHello(ephemeral=ephemeral.public)
        if self._server_static:
            state.mix_hash(self._server_static)
            state.mix_hash(ephemeral.public)
            state.mix_dh(ephemeral.private, self._server_static)
            hello.static = state.encrypt(self._static.public)
            state.mix_dh(self._static.private, self._server_static)
            hello.payload = state.encrypt(payload)
        else:
            state.mix_hash(ephemeral.public)
        return HandshakeMessage(clientHello=hello).SerializeToString()

    def finish(self, server_hello: bytes, payload: bytes, now: float) -> tuple[bytes | None, Transport]:
        """Check the server; give the last message (None after IK) and the transport.

        Raises CertificateError when the server is not who it should be, NoiseError for all else.
        """
        hello = _parse(server_hello, "serverHello", ServerHello)
        if len(hello.ephemeral) != KEY:
            raise NoiseError(f"the server's ephemeral key has {len(hello.ephemeral)} bytes")
        if self.pattern == "IK":
            if not hello.HasField("static"):
                return None, self._accept_resumption(hello, now)
            self.pattern = "XXfallback"
            self._state = Symmetric(FALLBACK, MAGIC)
            self._state.mix_hash(self._ephemeral.public)
        return self._finish_xx(hello, payload, now)

    def _finish_xx(self, hello: ServerHello, payload: bytes, now: float) -> tuple[bytes, Transport]:
        if len(hello.static) != SEALED_KEY or len(hello.payload) < TAG:
            raise NoiseError("the server's hello lacks its key or its certificate")
        state = self._state
        state.mix_hash(hello.ephemeral)
        state.mix_dh(self._ephemeral.private, hello.ephemeral)
        server_static = state.decrypt_key(hello.static, "the server's key")
        state.mix_dh(self._ephemeral.private, server_static)
        chain = state.decrypt(hello.payload, "the server's certificate")
        verify_chain(chain, server_static, self._root, now)
        self.server_chain = chain

        static = state.encrypt(self._static.public)
        state.mix_dh(self._static.private, hello.ephemeral)
        finish = ClientFinish(static=static, payload=state.encrypt(payload))
        return HandshakeMessage(clientFinish=finish).SerializeToString(), Transport(*state.split())

    def _accept_resumption(self, hello: ServerHello, now: float) -> Transport:
        # The agreement with the stored key is what proves the server; the chain it sends along adds nothing.
        verify_chain(self.server_chain, self._server_static, self._root, now)
        state = self._state
        state.mix_hash(hello.ephemeral)
        state.mix_dh(self._ephemeral.private, hello.ephemeral)
        state.mix_dh(self._static.private, hello.ephemeral)
        state.decrypt(hello.payload, "the server's answer")
        return Transport(*state.split())


class ServerHandshake:
    """The other end. `resume` says what it does with IK; a hello for another key always falls back."""

    def __init__(
        self,
        static: KeyPair,
        chain: bytes,
        entropy: Entropy,
        *,
        resume: Literal["accept", "fallback"] = "accept",
    ) -> None:
        self._static = static
        self._chain = chain
        self._entropy = entropy
        self._resume = resume
        self._ephemeral: KeyPair | None = None
        self._state = Symmetric(XX, MAGIC)
        #: Known after `respond` (IK) or `accept`.
        self.pattern: Pattern = "XX"
        self.client_static = b""
        self.payload = b""
        self.transport: Transport | None = None

    def respond(self, client_hello: bytes) -> bytes:
        """The server's only message."""
        hello = _parse(client_hello, "clientHello", ClientHello)
        if len(hello.ephemeral) != KEY:
            raise NoiseError(f"the client's ephemeral key has {len(hello.ephemeral)} bytes")
        self._ephemeral = ephemeral = generate(self._entropy)
        if hello.HasField("static"):
            if self._resume == "accept" and (state := self._open_resumption(hello)):
                return self._accept_resumption(state, hello, ephemeral)
            self.pattern = "XXfallback"
            self._state = Symmetric(FALLBACK, MAGIC)
        state = self._state
        state.mix_hash(hello.ephemeral)
        state.mix_hash(ephemeral.public)
        state.mix_dh(ephemeral.private, hello.ephemeral)
        static = state.encrypt(self._static.public)
        state.mix_dh(self._static.private, hello.ephemeral)
        answer = ServerHello(ephemeral=ephemeral.public, static=static, payload=state.encrypt(self._chain))
        return HandshakeMessage(serverHello=answer).SerializeToString()

    def accept(self, client_finish: bytes) -> None:
        """The client's proof, after XX and XXfallback."""
        if self._ephemeral is None or self.transport is not None:
            raise LocalProtocolError("no client's finish is due")
        finish = _parse(client_finish, "clientFinish", ClientFinish)
        state = self._state
        self.client_static = state.decrypt_key(finish.static, "the client's key")
        state.mix_dh(self._ephemeral.private, self.client_static)
        self.payload = state.decrypt(finish.payload, "the client's login")
        self._split(state)

    def _open_resumption(self, hello: ClientHello) -> Symmetric | None:
        """The state after a hello that was made for our key; None when it was made for another."""
        state = Symmetric(IK, MAGIC)
        state.mix_hash(self._static.public)
        state.mix_hash(hello.ephemeral)
        try:
            state.mix_dh(self._static.private, hello.ephemeral)
            client_static = state.decrypt_key(hello.static, "the client's key")
            state.mix_dh(self._static.private, client_static)
            payload = state.decrypt(hello.payload, "the client's login")
        except NoiseError:
            return None
        self.client_static, self.payload = client_static, payload
        return state

    def _accept_resumption(self, state: Symmetric, hello: ClientHello, ephemeral: KeyPair) -> bytes:
        state.mix_hash(ephemeral.public)
        state.mix_dh(ephemeral.private, hello.ephemeral)
        state.mix_dh(ephemeral.private, self.client_static)
        answer = ServerHello(ephemeral=ephemeral.public, payload=state.encrypt(self._chain))
        self.pattern = "IK"
        self._split(state)
        return HandshakeMessage(serverHello=answer).SerializeToString()

    def _split(self, state: Symmetric) -> None:
        client_key, server_key = state.split()
        self.transport = Transport(server_key, client_key)


def _stored_key(chain: bytes) -> bytes:
    """The key to try IK with; a chain that can't be read is as good as none."""
    try:
        return leaf_key(chain) if chain else b""
    except CertificateError:
        return b""


Part = TypeVar("Part", bound=Message)


def _parse(
    raw: bytes, field: Literal["clientHello", "serverHello", "clientFinish"], kind: type[Part]
) -> Part:
    try:
        message = HandshakeMessage.FromString(raw)
    except DecodeError as error:
        raise NoiseError("the handshake message is malformed") from error
    if not message.HasField(field):
        raise NoiseError(f"the handshake message has no {field}")
    part = getattr(message, field)
    assert isinstance(part, kind)
    return part

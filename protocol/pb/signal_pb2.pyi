from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class IdentityKeyPairStructure(_message.Message):
    __slots__ = ("publicKey", "privateKey")
    PUBLICKEY_FIELD_NUMBER: _ClassVar[int]
    PRIVATEKEY_FIELD_NUMBER: _ClassVar[int]
    publicKey: bytes
    privateKey: bytes
    def __init__(self, publicKey: _Optional[bytes] = ..., privateKey: _Optional[bytes] = ...) -> None: ...

class KeyExchangeMessage(_message.Message):
    __slots__ = ("id", "baseKey", "ratchetKey", "identityKey", "baseKeySignature")
    ID_FIELD_NUMBER: _ClassVar[int]
    BASEKEY_FIELD_NUMBER: _ClassVar[int]
    RATCHETKEY_FIELD_NUMBER: _ClassVar[int]
    IDENTITYKEY_FIELD_NUMBER: _ClassVar[int]
    BASEKEYSIGNATURE_FIELD_NUMBER: _ClassVar[int]
    id: int
    baseKey: bytes
    ratchetKey: bytes
    identityKey: bytes
    baseKeySignature: bytes
    def __init__(self, id: _Optional[int] = ..., baseKey: _Optional[bytes] = ..., ratchetKey: _Optional[bytes] = ..., identityKey: _Optional[bytes] = ..., baseKeySignature: _Optional[bytes] = ...) -> None: ...

class PreKeyRecordStructure(_message.Message):
    __slots__ = ("id", "publicKey", "privateKey")
    ID_FIELD_NUMBER: _ClassVar[int]
    PUBLICKEY_FIELD_NUMBER: _ClassVar[int]
    PRIVATEKEY_FIELD_NUMBER: _ClassVar[int]
    id: int
    publicKey: bytes
    privateKey: bytes
    def __init__(self, id: _Optional[int] = ..., publicKey: _Optional[bytes] = ..., privateKey: _Optional[bytes] = ...) -> None: ...

class PreKeySignalMessage(_message.Message):
    __slots__ = ("registrationId", "preKeyId", "signedPreKeyId", "baseKey", "identityKey", "message")
    REGISTRATIONID_FIELD_NUMBER: _ClassVar[int]
    PREKEYID_FIELD_NUMBER: _ClassVar[int]
    SIGNEDPREKEYID_FIELD_NUMBER: _ClassVar[int]
    BASEKEY_FIELD_NUMBER: _ClassVar[int]
    IDENTITYKEY_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    registrationId: int
    preKeyId: int
    signedPreKeyId: int
    baseKey: bytes
    identityKey: bytes
    message: bytes
    def __init__(self, registrationId: _Optional[int] = ..., preKeyId: _Optional[int] = ..., signedPreKeyId: _Optional[int] = ..., baseKey: _Optional[bytes] = ..., identityKey: _Optional[bytes] = ..., message: _Optional[bytes] = ...) -> None: ...

class RecordStructure(_message.Message):
    __slots__ = ("currentSession", "previousSessions")
    CURRENTSESSION_FIELD_NUMBER: _ClassVar[int]
    PREVIOUSSESSIONS_FIELD_NUMBER: _ClassVar[int]
    currentSession: SessionStructure
    previousSessions: _containers.RepeatedCompositeFieldContainer[SessionStructure]
    def __init__(self, currentSession: _Optional[_Union[SessionStructure, _Mapping]] = ..., previousSessions: _Optional[_Iterable[_Union[SessionStructure, _Mapping]]] = ...) -> None: ...

class SenderKeyDistributionMessage(_message.Message):
    __slots__ = ("id", "iteration", "chainKey", "signingKey")
    ID_FIELD_NUMBER: _ClassVar[int]
    ITERATION_FIELD_NUMBER: _ClassVar[int]
    CHAINKEY_FIELD_NUMBER: _ClassVar[int]
    SIGNINGKEY_FIELD_NUMBER: _ClassVar[int]
    id: int
    iteration: int
    chainKey: bytes
    signingKey: bytes
    def __init__(self, id: _Optional[int] = ..., iteration: _Optional[int] = ..., chainKey: _Optional[bytes] = ..., signingKey: _Optional[bytes] = ...) -> None: ...

class SenderKeyMessage(_message.Message):
    __slots__ = ("id", "iteration", "ciphertext")
    ID_FIELD_NUMBER: _ClassVar[int]
    ITERATION_FIELD_NUMBER: _ClassVar[int]
    CIPHERTEXT_FIELD_NUMBER: _ClassVar[int]
    id: int
    iteration: int
    ciphertext: bytes
    def __init__(self, id: _Optional[int] = ..., iteration: _Optional[int] = ..., ciphertext: _Optional[bytes] = ...) -> None: ...

class SenderKeyRecordStructure(_message.Message):
    __slots__ = ("senderKeyStates",)
    SENDERKEYSTATES_FIELD_NUMBER: _ClassVar[int]
    senderKeyStates: _containers.RepeatedCompositeFieldContainer[SenderKeyStateStructure]
    def __init__(self, senderKeyStates: _Optional[_Iterable[_Union[SenderKeyStateStructure, _Mapping]]] = ...) -> None: ...

class SenderKeyStateStructure(_message.Message):
    __slots__ = ("senderKeyId", "senderChainKey", "senderSigningKey", "senderMessageKeys")
    class SenderChainKey(_message.Message):
        __slots__ = ("iteration", "seed")
        ITERATION_FIELD_NUMBER: _ClassVar[int]
        SEED_FIELD_NUMBER: _ClassVar[int]
        iteration: int
        seed: bytes
        def __init__(self, iteration: _Optional[int] = ..., seed: _Optional[bytes] = ...) -> None: ...
    class SenderMessageKey(_message.Message):
        __slots__ = ("iteration", "seed")
        ITERATION_FIELD_NUMBER: _ClassVar[int]
        SEED_FIELD_NUMBER: _ClassVar[int]
        iteration: int
        seed: bytes
        def __init__(self, iteration: _Optional[int] = ..., seed: _Optional[bytes] = ...) -> None: ...
    class SenderSigningKey(_message.Message):
        __slots__ = ("public", "private")
        PUBLIC_FIELD_NUMBER: _ClassVar[int]
        PRIVATE_FIELD_NUMBER: _ClassVar[int]
        public: bytes
        private: bytes
        def __init__(self, public: _Optional[bytes] = ..., private: _Optional[bytes] = ...) -> None: ...
    SENDERKEYID_FIELD_NUMBER: _ClassVar[int]
    SENDERCHAINKEY_FIELD_NUMBER: _ClassVar[int]
    SENDERSIGNINGKEY_FIELD_NUMBER: _ClassVar[int]
    SENDERMESSAGEKEYS_FIELD_NUMBER: _ClassVar[int]
    senderKeyId: int
    senderChainKey: SenderKeyStateStructure.SenderChainKey
    senderSigningKey: SenderKeyStateStructure.SenderSigningKey
    senderMessageKeys: _containers.RepeatedCompositeFieldContainer[SenderKeyStateStructure.SenderMessageKey]
    def __init__(self, senderKeyId: _Optional[int] = ..., senderChainKey: _Optional[_Union[SenderKeyStateStructure.SenderChainKey, _Mapping]] = ..., senderSigningKey: _Optional[_Union[SenderKeyStateStructure.SenderSigningKey, _Mapping]] = ..., senderMessageKeys: _Optional[_Iterable[_Union[SenderKeyStateStructure.SenderMessageKey, _Mapping]]] = ...) -> None: ...

class SessionStructure(_message.Message):
    __slots__ = ("sessionVersion", "localIdentityPublic", "remoteIdentityPublic", "rootKey", "previousCounter", "senderChain", "receiverChains", "pendingKeyExchange", "pendingPreKey", "remoteRegistrationId", "localRegistrationId", "needsRefresh", "aliceBaseKey")
    class Chain(_message.Message):
        __slots__ = ("senderRatchetKey", "senderRatchetKeyPrivate", "chainKey", "messageKeys")
        class ChainKey(_message.Message):
            __slots__ = ("index", "key")
            INDEX_FIELD_NUMBER: _ClassVar[int]
            KEY_FIELD_NUMBER: _ClassVar[int]
            index: int
            key: bytes
            def __init__(self, index: _Optional[int] = ..., key: _Optional[bytes] = ...) -> None: ...
        class MessageKey(_message.Message):
            __slots__ = ("index", "cipherKey", "macKey", "iv")
            INDEX_FIELD_NUMBER: _ClassVar[int]
            CIPHERKEY_FIELD_NUMBER: _ClassVar[int]
            MACKEY_FIELD_NUMBER: _ClassVar[int]
            IV_FIELD_NUMBER: _ClassVar[int]
            index: int
            cipherKey: bytes
            macKey: bytes
            iv: bytes
            def __init__(self, index: _Optional[int] = ..., cipherKey: _Optional[bytes] = ..., macKey: _Optional[bytes] = ..., iv: _Optional[bytes] = ...) -> None: ...
        SENDERRATCHETKEY_FIELD_NUMBER: _ClassVar[int]
        SENDERRATCHETKEYPRIVATE_FIELD_NUMBER: _ClassVar[int]
        CHAINKEY_FIELD_NUMBER: _ClassVar[int]
        MESSAGEKEYS_FIELD_NUMBER: _ClassVar[int]
        senderRatchetKey: bytes
        senderRatchetKeyPrivate: bytes
        chainKey: SessionStructure.Chain.ChainKey
        messageKeys: _containers.RepeatedCompositeFieldContainer[SessionStructure.Chain.MessageKey]
        def __init__(self, senderRatchetKey: _Optional[bytes] = ..., senderRatchetKeyPrivate: _Optional[bytes] = ..., chainKey: _Optional[_Union[SessionStructure.Chain.ChainKey, _Mapping]] = ..., messageKeys: _Optional[_Iterable[_Union[SessionStructure.Chain.MessageKey, _Mapping]]] = ...) -> None: ...
    class PendingKeyExchange(_message.Message):
        __slots__ = ("sequence", "localBaseKey", "localBaseKeyPrivate", "localRatchetKey", "localRatchetKeyPrivate", "localIdentityKey", "localIdentityKeyPrivate")
        SEQUENCE_FIELD_NUMBER: _ClassVar[int]
        LOCALBASEKEY_FIELD_NUMBER: _ClassVar[int]
        LOCALBASEKEYPRIVATE_FIELD_NUMBER: _ClassVar[int]
        LOCALRATCHETKEY_FIELD_NUMBER: _ClassVar[int]
        LOCALRATCHETKEYPRIVATE_FIELD_NUMBER: _ClassVar[int]
        LOCALIDENTITYKEY_FIELD_NUMBER: _ClassVar[int]
        LOCALIDENTITYKEYPRIVATE_FIELD_NUMBER: _ClassVar[int]
        sequence: int
        localBaseKey: bytes
        localBaseKeyPrivate: bytes
        localRatchetKey: bytes
        localRatchetKeyPrivate: bytes
        localIdentityKey: bytes
        localIdentityKeyPrivate: bytes
        def __init__(self, sequence: _Optional[int] = ..., localBaseKey: _Optional[bytes] = ..., localBaseKeyPrivate: _Optional[bytes] = ..., localRatchetKey: _Optional[bytes] = ..., localRatchetKeyPrivate: _Optional[bytes] = ..., localIdentityKey: _Optional[bytes] = ..., localIdentityKeyPrivate: _Optional[bytes] = ...) -> None: ...
    class PendingPreKey(_message.Message):
        __slots__ = ("preKeyId", "signedPreKeyId", "baseKey")
        PREKEYID_FIELD_NUMBER: _ClassVar[int]
        SIGNEDPREKEYID_FIELD_NUMBER: _ClassVar[int]
        BASEKEY_FIELD_NUMBER: _ClassVar[int]
        preKeyId: int
        signedPreKeyId: int
        baseKey: bytes
        def __init__(self, preKeyId: _Optional[int] = ..., signedPreKeyId: _Optional[int] = ..., baseKey: _Optional[bytes] = ...) -> None: ...
    SESSIONVERSION_FIELD_NUMBER: _ClassVar[int]
    LOCALIDENTITYPUBLIC_FIELD_NUMBER: _ClassVar[int]
    REMOTEIDENTITYPUBLIC_FIELD_NUMBER: _ClassVar[int]
    ROOTKEY_FIELD_NUMBER: _ClassVar[int]
    PREVIOUSCOUNTER_FIELD_NUMBER: _ClassVar[int]
    SENDERCHAIN_FIELD_NUMBER: _ClassVar[int]
    RECEIVERCHAINS_FIELD_NUMBER: _ClassVar[int]
    PENDINGKEYEXCHANGE_FIELD_NUMBER: _ClassVar[int]
    PENDINGPREKEY_FIELD_NUMBER: _ClassVar[int]
    REMOTEREGISTRATIONID_FIELD_NUMBER: _ClassVar[int]
    LOCALREGISTRATIONID_FIELD_NUMBER: _ClassVar[int]
    NEEDSREFRESH_FIELD_NUMBER: _ClassVar[int]
    ALICEBASEKEY_FIELD_NUMBER: _ClassVar[int]
    sessionVersion: int
    localIdentityPublic: bytes
    remoteIdentityPublic: bytes
    rootKey: bytes
    previousCounter: int
    senderChain: SessionStructure.Chain
    receiverChains: _containers.RepeatedCompositeFieldContainer[SessionStructure.Chain]
    pendingKeyExchange: SessionStructure.PendingKeyExchange
    pendingPreKey: SessionStructure.PendingPreKey
    remoteRegistrationId: int
    localRegistrationId: int
    needsRefresh: bool
    aliceBaseKey: bytes
    def __init__(self, sessionVersion: _Optional[int] = ..., localIdentityPublic: _Optional[bytes] = ..., remoteIdentityPublic: _Optional[bytes] = ..., rootKey: _Optional[bytes] = ..., previousCounter: _Optional[int] = ..., senderChain: _Optional[_Union[SessionStructure.Chain, _Mapping]] = ..., receiverChains: _Optional[_Iterable[_Union[SessionStructure.Chain, _Mapping]]] = ..., pendingKeyExchange: _Optional[_Union[SessionStructure.PendingKeyExchange, _Mapping]] = ..., pendingPreKey: _Optional[_Union[SessionStructure.PendingPreKey, _Mapping]] = ..., remoteRegistrationId: _Optional[int] = ..., localRegistrationId: _Optional[int] = ..., needsRefresh: _Optional[bool] = ..., aliceBaseKey: _Optional[bytes] = ...) -> None: ...

class SignalMessage(_message.Message):
    __slots__ = ("ratchetKey", "counter", "previousCounter", "ciphertext")
    RATCHETKEY_FIELD_NUMBER: _ClassVar[int]
    COUNTER_FIELD_NUMBER: _ClassVar[int]
    PREVIOUSCOUNTER_FIELD_NUMBER: _ClassVar[int]
    CIPHERTEXT_FIELD_NUMBER: _ClassVar[int]
    ratchetKey: bytes
    counter: int
    previousCounter: int
    ciphertext: bytes
    def __init__(self, ratchetKey: _Optional[bytes] = ..., counter: _Optional[int] = ..., previousCounter: _Optional[int] = ..., ciphertext: _Optional[bytes] = ...) -> None: ...

class SignedPreKeyRecordStructure(_message.Message):
    __slots__ = ("id", "publicKey", "privateKey", "signature", "timestamp")
    ID_FIELD_NUMBER: _ClassVar[int]
    PUBLICKEY_FIELD_NUMBER: _ClassVar[int]
    PRIVATEKEY_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    id: int
    publicKey: bytes
    privateKey: bytes
    signature: bytes
    timestamp: int
    def __init__(self, id: _Optional[int] = ..., publicKey: _Optional[bytes] = ..., privateKey: _Optional[bytes] = ..., signature: _Optional[bytes] = ..., timestamp: _Optional[int] = ...) -> None: ...

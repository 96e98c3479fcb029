"""Tokens narrow, they never widen: a connection that shows one may do what its peer may do and the token allows.

So a program that runs as a mighty user can hand a piece of its rights to a plugin. Only a digest is kept.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from waconnd.rpc.caller import Caller
from waconnd.rpc.errors import RpcError
from waconnd.rpc.peers import Grant, Rights

#: A list that a person can still read.
MAX_TOKENS: Final = 1000


class Token(msgspec.Struct, frozen=True, omit_defaults=True):
    """The restrictions that stand under one token."""

    id: str
    note: str
    digest: str
    scopes: list[str]
    made_at: float
    accounts: list[str] | None = None
    methods: list[str] | None = None
    expires_at: float | None = None


class Tokens:
    """All tokens of a daemon, in one small file that is replaced whole."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self._path = path
        self._clock = clock
        self._tokens: dict[str, Token] = {}
        try:
            raw = path.read_bytes()
        except FileNotFoundError:
            return
        try:
            self._tokens = {token.digest: token for token in msgspec.json.decode(raw, type=list[Token])}
        except msgspec.DecodeError as error:
            # Unreadable is never absent: with no tokens known, each shown one is refused, and the file stays.
            raise ValueError(
                f"{path} cannot be read ({error}); move it away to start without tokens"
            ) from error

    def create(
        self,
        *,
        note: str,
        scopes: list[str],
        accounts: list[str] | None,
        methods: list[str] | None,
        expires_in_s: float | None,
    ) -> tuple[Token, str]:
        """A new one, and the secret that is shown only now."""
        if len(self._tokens) >= MAX_TOKENS:
            raise RpcError("rate_limited", f"there are {MAX_TOKENS} tokens; revoke some", retryable=False)
        secret = f"wac_{secrets.token_urlsafe(32)}"
        now = self._clock()
        expires = None if expires_in_s is None else now + expires_in_s
        token = Token(secrets.token_hex(4), note, _digest(secret), scopes, now, accounts, methods, expires)
        self._save({**self._tokens, token.digest: token})
        return token, secret

    def list(self) -> list[Token]:
        """All of them, oldest first."""
        return sorted(self._tokens.values(), key=lambda token: token.made_at)

    def revoke(self, id: str) -> bool:
        """Make one void. Connections that showed it before keep it until they close."""
        left = {digest: token for digest, token in self._tokens.items() if token.id != id}
        if len(left) == len(self._tokens):
            return False
        self._save(left)
        return True

    def find(self, secret: str) -> Token | None:
        """The token behind a secret, unless it is void."""
        token = self._tokens.get(_digest(secret))
        if token is None or (token.expires_at is not None and token.expires_at <= self._clock()):
            return None
        return token

    def _save(self, tokens: dict[str, Token]) -> None:
        data = msgspec.json.encode(list(tokens.values()))
        draft = self._path.with_suffix(".new")
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(fd, data)
            os.fsync(fd)
        finally:
            os.close(fd)
        draft.replace(self._path)
        self._tokens = tokens


def _digest(secret: str) -> str:
    # 256 random bits need no slow hash.
    return hashlib.sha256(secret.encode()).hexdigest()


def narrow(caller: Caller, tokens: Tokens, secret: str) -> None:
    """Cut a caller's rights to what its token allows. Raises RpcError for a void one."""
    token = tokens.find(secret)
    if token is None:
        raise RpcError(
            "permission_denied",
            "this token is unknown, revoked or expired",
            advice="`waconnd token create` makes another",
        )
    wanted = frozenset(token.scopes)
    only = None if token.accounts is None else frozenset(token.accounts)
    grants = []
    for grant in caller.rights.grants:
        scopes = wanted if "admin" in grant.scopes else grant.scopes & wanted
        accounts = (
            grant.accounts if only is None else only if grant.accounts is None else grant.accounts & only
        )
        if scopes:
            grants.append(Grant(scopes, accounts))
    methods = None if token.methods is None else tuple(token.methods)
    caller.rights = Rights(tuple(grants), trusted=False, methods=methods)

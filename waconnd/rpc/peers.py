"""Who is at the other end of the socket, and what they may do. Identity comes from the kernel, never from the client."""

from __future__ import annotations

import fnmatch
import grp
import os
import pwd
import socket
import struct
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

import msgspec

#: linux/asm-generic/socket.h; Python 3.11's socket module lacks it.
SO_PEERGROUPS: Final = 59

#: 256 groups, and the most that Python's getsockopt takes. Whoever is in more has the rights of the primary one.
GROUPS_BUFFER: Final = 1024

ALL_SCOPES: Final = frozenset({"read", "send", "admin"})


class Peer(msgspec.Struct, frozen=True):
    """A process that connected, at the moment when it did."""

    pid: int
    uid: int
    gid: int
    #: The primary group and all supplementary ones.
    groups: frozenset[int] = frozenset()

    @property
    def user(self) -> str:
        """The name, or the number when it has none here."""
        return _name_of(self.uid)


@lru_cache(maxsize=256)
def _name_of(uid: int) -> str:
    # A look-up may read files, or ask a directory service.
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def peer_of(sock: socket.socket) -> Peer:
    """The credentials that the kernel recorded at connect(2)."""
    pid, uid, gid = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    try:
        raw = sock.getsockopt(socket.SOL_SOCKET, SO_PEERGROUPS, GROUPS_BUFFER)
    except OSError:
        raw = b""
    return Peer(pid, uid, gid, frozenset({gid, *struct.unpack(f"{len(raw) // 4}I", raw)}))


class Grant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One right: these scopes, on these accounts (all when None)."""

    scopes: frozenset[str]
    accounts: frozenset[str] | None = None

    def covers(self, scope: str, account: str | None) -> bool:
        if scope not in self.scopes and "admin" not in self.scopes:
            return False
        return account is None or self.accounts is None or account in self.accounts


class Rights(msgspec.Struct, frozen=True):
    """What one connection may do: the union of its grants, narrowed by a token when it showed one."""

    grants: tuple[Grant, ...]
    #: The daemon's own user or root: may name paths of this machine.
    trusted: bool = False
    #: Globs of method names; None is all.
    methods: tuple[str, ...] | None = None

    def allows(self, scope: str | None, account: str | None = None) -> bool:
        if scope is None:
            return True
        for grant in self.grants:  # no generator: this runs three times a call  # noqa: SIM110
            if grant.covers(scope, account):
                return True
        return False

    def allows_method(self, name: str, scope: str | None) -> bool:
        """Whether a method may be called at all (on some account)."""
        named = self.methods is None or any(fnmatch.fnmatchcase(name, glob) for glob in self.methods)
        return named and self.allows(scope)

    @property
    def scopes(self) -> frozenset[str]:
        """All scopes held on any account."""
        held = frozenset[str]().union(*(grant.scopes for grant in self.grants))
        return ALL_SCOPES if "admin" in held else held

    def accounts(self, scope: str = "read") -> frozenset[str] | None:
        """The accounts on which a scope is held; None is all."""
        found: set[str] = set()
        for grant in self.grants:
            if grant.covers(scope, None):
                if grant.accounts is None:
                    return None
                found |= grant.accounts
        return frozenset(found)


ALL: Final = Rights((Grant(ALL_SCOPES),), trusted=True)


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rights of one user or group, as configured."""

    scopes: list[str]
    accounts: list[str] | None = None


class Access:
    """The rules, resolved to numbers once. Names unknown on this machine are kept and told, not fatal."""

    def __init__(
        self,
        users: Mapping[str, Rule],
        groups: Mapping[str, Rule],
        *,
        members: Rule | None = None,
        socket_gid: int | None = None,
        owner: int | None = None,
    ) -> None:
        self.owner = os.geteuid() if owner is None else owner
        self.unknown: list[str] = []
        self._users: dict[int, Grant] = {}
        self._groups: dict[int, Grant] = {}
        for name, rule in users.items():
            uid = self._number(name, lambda n: pwd.getpwnam(n).pw_uid)
            if uid is not None:
                self._users[uid] = _grant(rule)
        for name, rule in groups.items():
            gid = self._number(name, lambda n: grp.getgrnam(n).gr_gid)
            if gid is not None:
                self._groups[gid] = _grant(rule)
        #: Who is in the socket's own group, unless a rule says otherwise for that group.
        if socket_gid is not None and members is not None and socket_gid != 0:
            self._groups.setdefault(socket_gid, _grant(members))

    def _number(self, name: str, look: Callable[[str], int]) -> int | None:
        if name.isdigit():
            return int(name)
        try:
            return look(name)
        except KeyError:
            self.unknown.append(name)
            return None

    def rights(self, peer: Peer) -> Rights:
        """What this peer may do."""
        if peer.uid in (0, self.owner):
            return ALL
        grants = [self._users[peer.uid]] if peer.uid in self._users else []
        grants += [self._groups[gid] for gid in sorted(peer.groups | {peer.gid}) if gid in self._groups]
        return Rights(tuple(grants))


def _grant(rule: Rule) -> Grant:
    return Grant(frozenset(rule.scopes), None if rule.accounts is None else frozenset(rule.accounts))

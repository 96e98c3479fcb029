"""Rights: who the kernel says it is, and what the configuration makes of it."""

from __future__ import annotations

import os
import socket
import stat

import anyio
import msgspec
import pytest

from waconnd.rpc.listen import SocketInUse, SocketPathError, bind
from waconnd.rpc.peers import Access, Grant, Peer, Rights, Rule

ANN = Peer(1, 1001, 1001, frozenset({1001, 50}))
BOB = Peer(2, 1002, 1002, frozenset({1002}))


def test_rules_add_up():
    access = Access(
        {"1002": Rule(["read"])},
        {"50": Rule(["send"], ["shop"]), "1001": Rule(["read"])},
        members=Rule(["read", "send"]),
        socket_gid=77,
        owner=500,
    )
    ann = access.rights(ANN)
    assert ann.allows("read", "main")
    assert ann.allows("send", "shop")
    assert not ann.allows("send", "main")
    assert not ann.allows("admin")
    assert not ann.trusted
    assert access.rights(BOB).scopes == {"read"}
    assert access.rights(Peer(3, 9, 77)).scopes == {"read", "send"}
    assert access.rights(Peer(3, 9, 9)).grants == ()
    for uid in (0, 500):
        assert access.rights(Peer(3, uid, 9)).allows("admin", "any")
        assert access.rights(Peer(3, uid, 9)).trusted


def test_a_rule_for_the_sockets_group_beats_the_default_and_unknown_names_are_kept():
    access = Access(
        {"no-such-user-here": Rule(["admin"])},
        {"77": Rule([])},
        members=Rule(["send"]),
        socket_gid=77,
        owner=500,
    )
    assert access.unknown == ["no-such-user-here"]
    assert access.rights(Peer(3, 9, 77)).scopes == frozenset()


def test_the_root_group_is_never_the_sockets_group():
    access = Access({}, {}, members=Rule(["send"]), socket_gid=0, owner=500)
    assert access.rights(Peer(3, 9, 0)).grants == ()


def test_admin_holds_the_others_and_accounts_are_summed():
    rights = Rights(
        (Grant(frozenset({"admin"}), frozenset({"a"})), Grant(frozenset({"read"}), frozenset({"b"})))
    )
    assert rights.accounts("read") == {"a", "b"}
    assert rights.accounts("send") == {"a"}
    assert rights.allows("send", "a")
    assert not rights.allows("send", "b")


def ask_as(uid: int, gid: int, groups: list[int], path: str, line: bytes) -> bytes:
    """A child with another identity asks one thing."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups(groups)
            os.setgid(gid)
            os.setuid(uid)
            with socket.socket(socket.AF_UNIX) as sock:
                sock.connect(path)
                sock.sendall(line + b"\n")
                os.write(write, sock.makefile("rb").readline())
        except OSError as error:
            os.write(write, str(error).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as answer:
        data = answer.read()
    os.waitpid(child, 0)
    return data


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to be three users")
async def test_three_users_with_different_rights(house):
    house.socket.chmod(0o666)
    for path in house.socket.parents:
        if path.stat().st_uid == os.getuid() and not path.stat().st_mode & stat.S_IXOTH:
            path.chmod(path.stat().st_mode | stat.S_IXOTH)
    house.access = Access({"54321": Rule(["read"])}, {"54399": Rule(["read", "send"], ["other"])})

    async def ask(uid: int, groups: list[int], method: str, **params: object) -> dict:
        line = msgspec.json.encode({"id": 1, "method": method, "params": params})
        answer = await anyio.to_thread.run_sync(ask_as, uid, uid, groups, str(house.socket), line)
        return msgspec.json.decode(answer)

    me = (await ask(54321, [], "rpc.whoami"))["result"]
    assert (me["uid"], me["scopes"]) == (54321, ["read"])
    assert "echo.say" not in me["methods"]
    refused = (await ask(54321, [], "echo.say", text="x"))["error"]
    assert refused["code"] == -32001
    assert "`send`" in refused["message"]
    # A supplementary group counts, on its account only.
    house.accounts = ["main", "other"]
    said = await ask(54322, [54399], "echo.say", text="x", account="other")
    assert "result" in said, said
    assert (await ask(54322, [54399], "echo.say", text="x"))["result"]["account"] == "other"
    refused = (await ask(54322, [54399], "echo.say", text="x", account="main"))["error"]
    assert refused["data"]["kind"] == "permission_denied"
    # The same words for an account that isn't there: names of others' accounts are theirs.
    ghost = (await ask(54322, [54399], "echo.say", text="x", account="ghost"))["error"]
    assert ghost["message"] == refused["message"].replace("main", "ghost")
    # Nobody: may ask who they are, and nothing else.
    assert (await ask(54323, [], "rpc.whoami"))["result"]["scopes"] == []
    for method in ("daemon.info", "events.read", "daemon.stats"):
        assert (await ask(54323, [], method))["error"]["data"]["kind"] == "permission_denied"
    # A program to run is taken from nobody but root and the daemon's own user, admin or not.
    house.access = Access({"54321": Rule(["admin"])}, {})
    refused = (await ask(54321, [], "hook.set", hook="x", exec=["/bin/true"]))["error"]
    assert refused["data"]["kind"] == "permission_denied"


def test_a_stale_socket_is_replaced_and_a_live_one_is_not(tmp_path):
    path = tmp_path / "s"
    first = bind(path, mode=0o600)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(SocketInUse):
        bind(path)
    first.close()
    second = bind(path)
    second.close()
    path.unlink()
    path.write_text("somebody's file")
    with pytest.raises(SocketPathError):
        bind(path)
    assert path.read_text() == "somebody's file"
    with pytest.raises(SocketPathError):
        bind(tmp_path / ("x" * 120))
    with pytest.raises(SocketPathError):
        bind(tmp_path / "t", group="no-such-group-here")

"""The command line against a real daemon."""

from __future__ import annotations

import re
import subprocess
import sys
import time

import msgspec
import pytest

from waconnd.client.sync import Client, Unreachable, WaconndError


def test_no_daemon_is_exit_2_and_says_what_to_do(installed):
    done = installed.run("status", WACONND_SOCKET="/nonexistent/s")
    assert done.returncode == 2
    assert "systemctl start waconnd" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 64, "COMMAND"),
        (["nonsense"], 64, "nonsense"),
        (["send"], 64, "TO"),
        (["send", "+573126809496"], 64, "nothing to send"),
        (["status", "--timeout", "soon"], 64, "no time"),
        (["call", "no.such"], 64, "no method"),
        (["call", "account.get", "accont=x"], 64, "unknown parameter"),
        (["call", "account.get", "account=ghost"], 66, "no account"),
        (["call", "account.get", "{"], 64, "no JSON"),
        (["events", "--ack"], 64, "cursor:NAME"),
        (["events", "--since", "yesterday"], 64, "no seq"),
        (["events", "--since", "99999"], 65, "not given out"),
        (["help", "no.such"], 64, "no method"),
        (["accounts", "create", "Not A Name"], 64, "no name"),
        (["accounts", "remove", "ghost"], 64, "--yes"),
        (["media", "put", "/nonexistent"], 74, "cannot be read"),
        (["state", "show", "ghost"], None, "no directory"),
        (["token", "revoke", "x"], 66, "no token"),
        (["sandbox", "info"], 2, "no sandbox answers"),
        (["sandbox", "link", "ada"], 2, "no sandbox answers"),
    ],
)
def test_each_mistake_has_its_exit_code_and_a_sentence(installed, arguments, code, words):
    done = installed.run(*arguments)
    assert done.returncode if code is None else done.returncode == code, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_status_of_accounts(installed):
    installed.run("accounts", "create", "shop", "--label", "owner=ann")
    done = installed.run("status")
    assert done.returncode == 3
    assert re.search(r"^ACCOUNT +STATE", done.stdout)
    assert re.search(r"^shop +unlinked", done.stdout, re.MULTILINE)
    (row,) = installed.json("status", "shop")
    assert (row["account"], row["state"], row["labels"]) == ("shop", "unlinked", {"owner": "ann"})
    assert installed.run("-q", "status").stdout == ""
    # The same again is no error.
    assert installed.run("accounts", "create", "shop").returncode == 0


def test_call_methods_and_help(installed):
    done = installed.run("call", "account.get", "account=shop", "--filter", "state")
    assert done.stdout.strip() == "unlinked"
    done = installed.run("call", "rpc.check", "-", stdin='{"method":"message.send","params":{"to":1}}')
    assert msgspec.json.decode(done.stdout)["error"]["data"]["path"] == "$.to"
    # What looks like a number stays a text where a text is wanted.
    done = installed.run("call", "rpc.check", "method=account.get", 'params:={"account":"shop"}')
    assert msgspec.json.decode(done.stdout) == {"ok": True}
    assert "account.get" in installed.run("methods", "account.*").stdout
    assert "message.send" not in installed.run("methods", "account").stdout
    done = installed.run("help", "events.subscribe")
    assert "max_unacked?: integer  With a named cursor" in done.stdout
    assert "cursor_expired" in done.stdout


def test_events_paged_followed_and_acked(installed):
    installed.run("accounts", "create", "evented")
    events = installed.json("events", "--type", "daemon.*")
    assert events[0]["type"] == "daemon.started"
    first = installed.json("events", "--since", "0", "--limit", "1")
    assert first[0]["seq"] == events[0]["seq"]
    follow = [sys.executable, "-m", "waconnd", "events", "--follow", "--since", "0", "--limit", "1"]
    done = subprocess.run(follow, env=installed.environ, capture_output=True, timeout=20)
    assert msgspec.json.decode(done.stdout)["seq"] == events[0]["seq"]
    installed.run("call", "events.ack", "cursor=t", "seq:=0")
    installed.run("events", "--since", "cursor:t", "--follow", "--ack", "--limit", "1")
    (cursor,) = installed.json("call", "events.cursors", "--filter", "cursors")[0]
    assert (cursor["name"], cursor["seq"]) == ("t", events[0]["seq"])


def test_a_reader_that_has_enough_is_no_error(installed):
    command = f"{sys.executable} -m waconnd call rpc.discover | head -c 10"
    done = subprocess.run(command, shell=True, env=installed.environ, capture_output=True, timeout=20)
    assert done.stderr == b""


def test_media_go_by_stream(installed, tmp_path):
    path = tmp_path / "a picture.jpg"
    path.write_bytes(b"jpeg" * 100_000)
    handle = installed.run("media", "put", str(path)).stdout.strip()
    assert handle.startswith("u_")


def test_config_shows_origins(installed):
    rows = {row["key"]: row for row in installed.json("config", "--log-format", "json")}
    assert rows["log.level"]["origin"].endswith("waconnd.toml")
    assert rows["log.format"]["origin"] == "flag"
    assert rows["endpoint.websocket_url"]["origin"] == "environment WACONND_ENDPOINT_WEBSOCKET_URL"
    assert rows["retention.events_days"]["origin"] == "default"
    done = installed.run("config", "--set", "log.lvl=x", "--set", "endpoint.noise_root_key=ab")
    assert done.returncode == 78
    assert "log.lvl" in done.stderr


def test_a_bad_configuration_tells_all_errors_and_exits_78(installed, tmp_path):
    file = tmp_path / "bad.toml"
    file.write_text("[daemon]\nsockt='x'\n[log]\nlevel='loud'\n[account.Bad]\n[hook.a]\n[nonsense]\n")
    done = installed.run("serve", "--config", str(file))
    assert done.returncode == 78
    assert "3 problems" in done.stderr
    for word in ("sockt", "did you mean `socket`", "loud", "nonsense"):
        assert word in done.stderr


def test_two_daemons_never_share(installed):
    done = installed.run(
        "serve", "--state", str(installed.folder / "other"), "--socket", str(installed.socket)
    )
    assert done.returncode == 69
    assert "another daemon answers" in done.stderr


def test_pair_without_a_way_to_whatsapp_ends_in_time_with_the_reason(installed):
    """The port of its WhatsApp is one where nobody listens."""
    began = time.monotonic()
    done = installed.run("pair", "nowhere", "--wait", "2s")
    assert (done.returncode, time.monotonic() - began < 15) == (75, True), done.stderr
    assert "tcp_failed" in done.stderr and "network" in done.stderr
    # Nobody looks at a code that comes later: the window is closed again.
    (row,) = installed.json("status", "nowhere")
    assert row["state"] == "unlinked"


def test_doctor_finds_what_was_planted(installed, tmp_path):
    """Nobody runs here: what a daemon that does not start would have met."""
    state = tmp_path / "state"
    (state / "accounts/shop").mkdir(parents=True)
    (state / "accounts/shop/creds.json").write_text("{}")
    (state / "events.db").write_bytes(b"no database at all, though of a fair length" * 100)
    state.chmod(0o755)
    config = tmp_path / "waconnd.toml"
    config.write_text(f"[daemon]\nstate_dir = '{state}'\n[retention]\nmin_free_mb = 1000000000\n")
    done = installed.run("doctor", "--offline", "--config", str(config), WACONND_SOCKET=str(tmp_path / "s"))
    assert done.returncode == 65
    for words in ("mode 755", "MiB left", "not a database", "account shop", "no daemon answers"):
        assert words in done.stdout, done.stdout
    config.write_text("[log]\nlevel = 'loud'\n[nonsense]\n")
    done = installed.run("doctor", "--offline", "--config", str(config))
    assert (done.returncode, done.stdout.count("configuration:")) == (65, 2)


def test_doctor_version_completion(installed):
    assert installed.run("doctor").returncode == 0
    assert (
        installed.run(
            "doctor", "--offline", WACONND_DAEMON_STATE_DIR=str(installed.folder / "state")
        ).returncode
        == 0
    )
    assert "daemon 0" in installed.run("version").stdout
    script = installed.run("completion", "bash").stdout
    checked = subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True)
    assert (checked.returncode, checked.stderr) == (0, "")
    probe = script + '\nCOMP_WORDS=(waconnd accounts st); COMP_CWORD=2; _waconnd; echo "${COMPREPLY[@]}"'
    done = subprocess.run(["bash", "-c", probe], text=True, capture_output=True)
    assert done.stdout.split() == ["start", "stop"]
    assert "complete -c waconnd" in installed.run("completion", "fish").stdout


def test_tokens_and_hooks(installed):
    token = installed.run("token", "create", "--scope", "read", "--note", "panel").stdout.strip()
    assert token.startswith("wac_")
    (row,) = installed.json("token", "list")
    assert (row["note"], row["scopes"]) == ("panel", ["read"])
    assert installed.run("token", "revoke", row["id"]).returncode == 0
    assert (
        installed.run("hooks", "set", "h", "--type", "message.*", "--exec", "/bin/true", "-x").returncode == 0
    )
    (row,) = installed.json("hooks", "list")
    assert row["exec"] == ["/bin/true", "-x"]
    assert installed.run("hooks", "remove", "h").returncode == 0


def test_state_offline(installed):
    state = str(installed.folder / "state")
    done = installed.run("state", "show", "shop", "--state", state)
    assert (done.returncode, "creds" in done.stdout) == (0, True)
    assert installed.run("state", "verify", "shop", "--state", state).returncode == 0


def test_nothing_secret_is_in_the_log(installed):
    """At debug level: tokens, texts, numbers and names of files that went through the socket."""
    token = installed.run("token", "create", "--scope", "read").stdout.strip()
    installed.run("call", "daemon.hello", f"token={token}")
    installed.run(
        "send",
        "-a",
        "shop",
        "+573126809496",
        "canary-in-a-text",
        "--key",
        "canary-in-a-key",
        "--timeout",
        "2",
    )
    installed.run("call", "pair.code", "account=shop", "phone=+573126809496", "timeout_s:=1")
    installed.run("call", "echo.nothing", '{"x":"canary-in-params"}')
    text = installed.log.read_text()
    for canary in (token, token[4:], "canary", "573126809496", "3126809496"):
        assert canary not in text


def test_follow_survives_a_restart_and_kill_9_loses_nothing(installed):
    command = [
        sys.executable,
        "-m",
        "waconnd",
        "events",
        "--follow",
        "--since",
        "now",
        "--type",
        "daemon.started",
    ]
    with subprocess.Popen(
        command, env=installed.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as follow:
        time.sleep(1.5)
        assert installed.stop(9) == -9
        time.sleep(0.3)
        installed.start()
        line = follow.stdout.readline()
        follow.terminate()
    assert msgspec.json.decode(line)["type"] == "daemon.started"
    assert {row["account"] for row in installed.json("status")} >= {"shop", "evented"}


def test_the_sync_client(installed):
    with Client(installed.socket, timeout=10) as wa:
        assert wa.rpc.whoami()["scopes"] == ["admin", "read", "send"]
        assert wa.daemon.info()["newest_seq"] >= 1
        for event in wa.events(after=0, types=["daemon.started"]):
            assert event["type"] == "daemon.started"
            break
        with pytest.raises(WaconndError) as caught:
            wa.account.get(account="ghost")
        assert caught.value.kind == "account_not_found"
    with pytest.raises(Unreachable):
        Client("/nonexistent/s")


async def test_the_async_client(installed):
    import asyncio

    from waconnd.client.aio import AsyncClient

    async with AsyncClient(installed.socket, timeout=10) as wa:
        answers = await asyncio.gather(*(wa.rpc.whoami() for _ in range(50)))
        assert len(answers) == 50
        events = wa.events(after=0, types=["daemon.started"])
        assert (await anext(events))["type"] == "daemon.started"
        await events.aclose()


def test_the_client_files_stand_alone(installed, tmp_path):
    from pathlib import Path

    import waconnd.client.sync as module

    copy = tmp_path / "wa.py"
    copy.write_text(Path(module.__file__).read_text())
    probe = f"import wa; print(wa.Client('{installed.socket}').rpc.whoami()['uid'])"
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, '{tmp_path}'); {probe}"],
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip().isdigit(), done.stderr


def test_stopping_is_quick_and_leaves_no_socket(installed):
    began = time.monotonic()
    assert installed.stop() == 0
    assert time.monotonic() - began < 5
    assert not installed.socket.exists()

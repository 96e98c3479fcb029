"""The configuration, the metrics, the pages and clients that are made from declarations."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from waconnd import api, paths
from waconnd.config import Config, ConfigError, changes, effective, load
from waconnd.metrics import MAX_SERIES, Metrics
from waconnd.rpc.errors import KINDS

ROOT = Path(__file__).parents[2]


def problems(tmp_path: Path, text: str, **environ: str) -> list[str]:
    file = tmp_path / "waconnd.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(file, environ=environ)
    return caught.value.problems


def test_nothing_is_a_good_configuration(tmp_path):
    loaded = load(environ={"XDG_CONFIG_HOME": str(tmp_path), "CONFIGURATION_DIRECTORY": str(tmp_path)})
    assert loaded.config == Config()
    assert (loaded.origins, loaded.file) == ({}, None)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("x = 1", "x: there is no such key"),
        ("log = 1", "log: is a table"),
        ("[log]\nlevel = 'x'", "log.level"),
        ("[daemon]\nsocket_mode = '999'", "daemon.socket_mode"),
        ("[retention]\nevents_days = 0", "retention.events_days"),
        ("[access.user.ann]\nscopes = ['raed']", "access.user.ann.scopes"),
        ("[access]\nuser = 1", "access.user: holds tables"),
        ("[account.main]\nproxy = 'ftp://x'", "account.main.proxy"),
        ("[account.Main]\n", "account.Main"),
        ("[endpoint]\nwebsocket_url = 'https://x'", "endpoint.websocket_url"),
        ("[endpoint]\nnoise_root_key = 'abc'", "endpoint.noise_root_key"),
        ("[endpoint]\nca_file = '/nonexistent'", "endpoint.ca_file"),
        ("[hook.a]\n", "either `exec` or `url`"),
        ("[hook.a]\nurl = 'x'\n", "hook.a.url"),
        ("[hook.a]\nexec = []\n", "hook.a.exec"),
        ("[", "not TOML"),
    ],
)
def test_each_mistake_is_named(tmp_path, text, where):
    assert any(where in problem for problem in problems(tmp_path, text))


def test_all_mistakes_at_once(tmp_path):
    found = problems(tmp_path, "[log]\nlevl='x'\n[daemon]\nsocket=1\n", WACONND_RETENTION_EVENTS_DAYS="many")
    assert len(found) == 3
    assert "did you mean `level`" in found[1] + found[0] + found[2]


def test_flag_beats_environment_beats_file(tmp_path):
    file = tmp_path / "waconnd.toml"
    file.write_text("[log]\nlevel='debug'\nformat='json'\n[retention]\nevents_days=7\n")
    loaded = load(
        file,
        flags={"log.level": "error"},
        environ={"WACONND_LOG_LEVEL": "warning", "WACONND_LOG_FORMAT": "text", "WACONND_AUTH_SEALED": "true"},
    )
    rows = {key: (value, origin) for key, value, origin in effective(loaded)}
    assert rows["log.level"] == ("error", "flag")
    assert rows["log.format"] == ("text", "environment WACONND_LOG_FORMAT")
    assert rows["retention.events_days"] == (7.0, str(file))
    assert rows["auth.sealed"][0] is True
    assert rows["auth.key_file"] == ("", "default")


def test_what_a_reload_changes(tmp_path):
    one = msgspec.convert({"log": {"level": "debug"}, "daemon": {"socket": "/x"}}, Config)
    assert changes(Config(), one) == (["daemon.socket", "log.level"], ["daemon.socket"])


def test_a_file_that_was_named_must_be_there(tmp_path):
    with pytest.raises(ConfigError, match="no such file"):
        load(tmp_path / "none.toml")


def test_paths_follow_systemd():
    environ = {
        "STATE_DIRECTORY": "/a:/b",
        "CACHE_DIRECTORY": "/c",
        "RUNTIME_DIRECTORY": "/r",
        "WACONND_SOCKET": "/s",
    }
    assert str(paths.state_dir(environ)) == "/a"
    assert str(paths.cache_dir(environ)) == "/c"
    assert str(paths.own_socket(environ)) == "/r/waconnd.sock"
    assert str(paths.find_socket(environ)) == "/s"


def test_every_key_is_described():
    text = (ROOT / "docs/operations.md").read_text()
    assert not re.findall(r"^\| `\w+` \| [^|]* \| [^|]* \|  \|$", text, re.MULTILINE)


def test_metrics(tmp_path):
    metrics = Metrics()
    metrics.watch("message.send", "ok", 0.004)
    metrics.state.set(1, account='we"ird', state="ready")
    metrics.sends.add(account="a", outcome="sent")
    text = metrics.text()
    assert 'waconnd_rpc_seconds_bucket{method="message.send",kind="ok",le="0.005"} 1' in text
    assert 'waconnd_rpc_seconds_bucket{method="message.send",kind="ok",le="0.0025"} 0' in text
    assert 'waconnd_account_state{account="we\\"ird",state="ready"} 1' in text
    names = [line.split("{")[0].split(" ")[0] for line in text.splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"waconnd_[a-z_]+", name) for name in names)
    for n in range(MAX_SERIES + 10):
        metrics.sends.add(account=f"a{n}", outcome="sent")
    assert len(metrics.sends.values) == MAX_SERIES
    assert list(metrics.as_dict("a")) == ["waconnd_sends_total"]
    metrics.forget_account("a")
    assert metrics.as_dict("a") == {}
    metrics.write(tmp_path / "waconnd.prom")
    assert (tmp_path / "waconnd.prom").read_text().startswith("# HELP")
    assert [path.name for path in tmp_path.iterdir()] == ["waconnd.prom"]


def test_every_method_can_be_called_and_is_told_about():
    for one in api.catalogue():
        assert one.types[0].__struct_config__.forbid_unknown_fields, one.name
        one.decode(msgspec.json.encode({}) if not required(one) else msgspec.json.encode(one.example))
        assert one.summary.endswith((".", "?")), one.name
        assert set(one.errors) <= set(KINDS)


def required(one) -> bool:
    return any(field.required for field in msgspec.structs.fields(one.wire))


def test_no_params_struct_lets_unknown_names_through():
    """Nested ones too: a typo in an option must not be silently ignored."""
    seen = set()

    def walk(info):
        if isinstance(info, msgspec.inspect.StructType) and info.cls not in seen:
            seen.add(info.cls)
            assert info.forbid_unknown_fields, info.cls
            for field in info.fields:
                walk(field.type)
        for name in ("type", "item_type", "value_type"):
            if isinstance(inner := getattr(info, name, None), msgspec.inspect.Type):
                walk(inner)
        for inner in getattr(info, "types", ()):
            walk(inner)

    for one in api.catalogue():
        walk(msgspec.inspect.type_info(one.wire))
    assert len(seen) > 20


@pytest.mark.parametrize("name", ["clients", "pages"])
def test_generated_files_are_fresh(name):
    from tests.tools import generate

    stale = [path for path, text in getattr(generate, name)().items() if (ROOT / path).read_text() != text]
    assert not stale, "run `make generate`"


def test_an_account_name_is_a_name_everywhere():
    from waconnd.config import ACCOUNT_NAME

    for bad in ("", "A", "-a", "a/b", "a b", "é", "a" * 33, ".", ".."):
        assert not ACCOUNT_NAME.match(bad), bad


async def test_metrics_follow_the_log(tmp_path):
    import time

    import anyio

    from tests.rpc.house import serving
    from waconnd import measure

    async with serving(tmp_path) as house, anyio.create_task_group() as tasks:
        tasks.start_soon(measure.follow, house.feed, house.metrics, time.time)
        await anyio.sleep(0.05)
        await house.happen("a", "b")
        events = [
            {"type": "account.state", "at": 1.0, "from": "ready", "to": "waiting", "reason": "eof"},
            {"type": "account.state", "at": 1.0, "from": "waiting", "to": "connecting", "reason": "eof"},
            {"type": "account.state", "at": 1.0, "from": "connecting", "to": "ready"},
            {"type": "account.state", "at": 1.0, "from": "ready", "to": "connecting", "reason": "silent"},
            {"type": "account.state", "at": 1.0, "from": "pairing", "to": "connecting", "reason": "restart"},
            {"type": "message.received", "at": 2.0, "id": "x", "sent_at": time.time() - 7, "chat": "1@lid"},
        ]
        await house.archive.events.append("main", events)
        with anyio.fail_after(5):
            while house.metrics.received.values.get(("main",)) != 3:
                await anyio.sleep(0.01)
        assert house.metrics.reconnects.values == {("main", "eof"): 1, ("main", "silent"): 1}
        assert 6 < house.metrics.receive_lag.values["main",] < 9
        tasks.cancel_scope.cancel()

"""From flags, environment and file to a configuration: all errors told at once, the origin of each key kept."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from waconnd import paths, proxy
from waconnd.config.keys import ACCOUNT_NAME, Config, Section

#: Sections whose keys can be given by the environment: those that are not tables of names.
PLAIN: Final = ("daemon", "retention", "log", "auth", "endpoint", "sandbox")

#: Read when the daemon starts; a change is told as `needs_restart`.
AT_START: Final = ("daemon.", "auth.", "sandbox.", "log.format")


class ConfigError(Exception):
    """The configuration can't be used; `problems` has one sentence for each reason."""

    def __init__(self, source: str, problems: list[str]) -> None:
        lines = "".join(f"\n  {problem}" for problem in problems)
        super().__init__(f"{source}: {len(problems)} problem{'s' * (len(problems) > 1)}:{lines}")
        self.problems = problems


class Loaded(msgspec.Struct, frozen=True):
    """A configuration and where each of its keys came from (keys not named are defaults)."""

    config: Config
    origins: dict[str, str]
    file: Path | None


def load(
    file: Path | None = None,
    *,
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Loaded:
    """Read it. `file` None: the usual place, where it may be absent. `flags` maps `section.key` to values. Raises ConfigError."""
    place = paths.config_file(environ) if file is None else file
    origins: dict[str, str] = {}
    problems: list[str] = []
    tree = _read(place, must=file is not None or "WACONND_CONFIG" in environ)
    _note(tree, "", str(place), origins)
    found = bool(tree)
    for section in PLAIN:
        for field in msgspec.structs.fields(_section(section)):
            name = f"WACONND_{section}_{field.name}".upper()
            if name in environ and not (section == "daemon" and field.name == "socket" and not environ[name]):
                _put(
                    tree,
                    f"{section}.{field.name}",
                    environ[name],
                    field.type,
                    f"environment {name}",
                    origins,
                    problems,
                )
    for key, value in (flags or {}).items():
        section, _, name = key.partition(".")
        kind = (
            next((f.type for f in msgspec.structs.fields(_section(section)) if f.name == name), None)
            if section in PLAIN
            else None
        )
        if kind is None:
            problems.append(f"{key}: there is no such key")
        else:
            _put(tree, key, value, kind, "flag", origins, problems)
    config = _struct(Config, tree, "", problems)
    if config is not None and not problems:
        problems += _contradictions(config)
    if problems or config is None:
        raise ConfigError(str(place) if found else "configuration", problems)
    return Loaded(config, origins, place if found else None)


def _section(name: str) -> type[msgspec.Struct]:
    field = next(field for field in msgspec.structs.fields(Config) if field.name == name)
    kind: type[msgspec.Struct] = field.type
    return kind


def _read(place: Path, *, must: bool) -> dict[str, Any]:
    try:
        return tomllib.loads(place.read_text("utf-8"))
    except FileNotFoundError:
        if must:
            raise ConfigError(str(place), ["there is no such file"]) from None
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(str(place), [f"not TOML: {error}"]) from None
    except OSError as error:
        raise ConfigError(str(place), [f"cannot be read: {error.strerror}"]) from error


def _note(tree: Mapping[str, Any], prefix: str, origin: str, origins: dict[str, str]) -> None:
    for name, value in tree.items():
        if isinstance(value, dict):
            _note(value, f"{prefix}{name}.", origin, origins)
        else:
            origins[f"{prefix}{name}"] = origin


def _put(
    tree: dict[str, Any],
    key: str,
    value: Any,
    kind: Any,
    origin: str,
    origins: dict[str, str],
    problems: list[str],
) -> None:
    section, _, name = key.partition(".")
    try:
        converted = msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        problems.append(f"{key} (from {origin}): {error}")
        return
    table = tree.setdefault(section, {})
    if isinstance(table, dict):
        table[name] = converted
        origins[key] = origin


def _struct(kind: type[Any], tree: Any, path: str, problems: list[str]) -> Any:
    """Like msgspec.convert, but goes on after an error, to tell them all."""
    if not isinstance(tree, dict):
        problems.append(f"{path.rstrip('.')}: is a table, `[{path.rstrip('.')}]`")
        return None
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    values: dict[str, Any] = {}
    for name, value in tree.items():
        field = fields.get(name)
        if field is None:
            import difflib  # for somebody's slip alone

            near = difflib.get_close_matches(name, fields, n=1)
            hint = f"; did you mean `{near[0]}`?" if near else f"; known here: {', '.join(fields)}"
            problems.append(f"{path}{name}: there is no such key{hint}")
            continue
        values[name] = _value(field.type, value, f"{path}{name}", problems)
    if any(value is _BAD for value in values.values()):
        return None
    return kind(**values)


class _Bad:
    pass


_BAD: Final = _Bad()


def _value(kind: Any, value: Any, path: str, problems: list[str]) -> Any:
    bare = getattr(kind, "__origin__", kind) if hasattr(kind, "__metadata__") else kind
    if isinstance(bare, type) and issubclass(bare, msgspec.Struct):
        made = _struct(bare, value, f"{path}.", problems)
        return _BAD if made is None else made
    arguments: tuple[Any, ...] = getattr(bare, "__args__", ())
    if (
        getattr(bare, "__origin__", None) is dict
        and isinstance(arguments[1], type)
        and issubclass(arguments[1], Section)
    ):
        if not isinstance(value, dict):
            problems.append(f"{path}: holds tables, `[{path}.NAME]`")
            return _BAD
        tables = {
            name: _struct(arguments[1], table, f"{path}.{name}.", problems) for name, table in value.items()
        }
        return _BAD if any(table is None for table in tables.values()) else tables
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        problems.append(f"{path}: {str(error).replace(' - at `$`', '')}")
        return _BAD


def _contradictions(config: Config) -> list[str]:
    """What each key alone can't show."""
    problems = [
        f"account.{name}: a name has 1 to 32 of a-z, 0-9, `-` and `_`, and begins with a letter or digit"
        for name in config.account
        if not ACCOUNT_NAME.match(name)
    ]
    endpoint = config.endpoint
    if (
        urlsplit(endpoint.websocket_url).scheme not in ("ws", "wss")
        or not urlsplit(endpoint.websocket_url).hostname
    ):
        problems.append("endpoint.websocket_url: begins with wss:// or ws:// and names a host")
    if endpoint.noise_root_key and not re.fullmatch(r"[0-9a-fA-F]{64}", endpoint.noise_root_key):
        problems.append("endpoint.noise_root_key: has 64 hex digits (32 bytes)")
    if endpoint.ca_file and not Path(endpoint.ca_file).is_file():
        problems.append(f"endpoint.ca_file: there is no file {endpoint.ca_file}")
    proxies = {"endpoint.proxy": endpoint.proxy}
    proxies |= {f"account.{name}.proxy": section.proxy or "" for name, section in config.account.items()}
    for key, url in proxies.items():
        try:
            if url:
                proxy.parse(url)
        except ValueError as error:
            problems.append(f"{key}: {error}")
    for name, hook in config.hook.items():
        if not ACCOUNT_NAME.match(name):
            problems.append(f"hook.{name}: a name has 1 to 32 of a-z, 0-9, `-` and `_`")
        if (hook.exec is None) == (hook.url is None):
            problems.append(f"hook.{name}: has either `exec` or `url`")
        if hook.exec is not None and not hook.exec:
            problems.append(f"hook.{name}.exec: names a program")
        if hook.url is not None and urlsplit(hook.url).scheme not in ("http", "https"):
            problems.append(f"hook.{name}.url: begins with https:// or http://")
    return problems


def changes(before: Config, after: Config) -> tuple[list[str], list[str]]:
    """The keys that differ, and those of them that hold only after a restart."""
    old, new = _leaves(msgspec.to_builtins(before), ""), _leaves(msgspec.to_builtins(after), "")
    changed = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
    return changed, [key for key in changed if key.startswith(AT_START)]


def _leaves(tree: Any, path: str) -> dict[str, Any]:
    if not isinstance(tree, dict):
        return {path: tree}
    out: dict[str, Any] = {}
    for name, value in tree.items():
        out |= _leaves(value, f"{path}.{name}" if path else name)
    return out


def effective(loaded: Loaded) -> list[tuple[str, Any, str]]:
    """Every key with its value and origin, for `waconnd config`."""
    leaves = _leaves(msgspec.to_builtins(loaded.config), "")
    return [(key, value, loaded.origins.get(key, "default")) for key, value in leaves.items() if value != {}]

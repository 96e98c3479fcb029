"""`waconnd call`, `methods` and `help`: everything that the socket can do, known from the daemon itself."""

from __future__ import annotations

import argparse
import fnmatch
import sys
from typing import Any

import msgspec

from waconnd.cli.parser import Commands
from waconnd.cli.shell import Shell, Stop, get, member
from waconnd.rpc.errors import EXIT_USAGE


def add(commands: Commands) -> None:
    parser = commands.add("call", "call any method of the socket", call)
    parser.add_argument("method", metavar="METHOD")
    parser.add_argument(
        "params", nargs="*", metavar="K=V|JSON|-", help="parameters; `k:=v` takes the value as JSON"
    )
    parser.add_argument(
        "--filter", metavar="PATH", help="print only this member, like `me.number` or `accounts.0.state`"
    )
    parser.add_argument("--raw", action="store_true", help="one line of JSON, as it came")
    parser = commands.add("methods", "all methods of the socket", methods)
    parser.add_argument("pattern", nargs="?", metavar="PATTERN", help="like `message.*`")
    parser = commands.add("help", "explain a method", explain)
    parser.add_argument("method", metavar="METHOD")


def call(shell: Shell, arguments: argparse.Namespace) -> int:
    params: dict[str, Any] = {}
    schemas: dict[str, Any] | None = None
    for text in arguments.params:
        if text == "-" or text.startswith("{"):
            raw = sys.stdin.read() if text == "-" else text
            try:
                given = msgspec.json.decode(raw)
            except msgspec.DecodeError as error:
                raise Stop(f"the parameters are no JSON: {error}", EXIT_USAGE) from None
            if not isinstance(given, dict):
                raise Stop("parameters are an object, by name", EXIT_USAGE)
            params |= given
            continue
        name, sign, value = text.partition("=")
        if not sign:
            raise Stop(f"{text!r} is no K=V", EXIT_USAGE)
        if name.endswith(":"):
            params[name[:-1]] = _json(value)
            continue
        if schemas is None:
            schemas = _schemas(shell, arguments.method)
        params[name] = _typed(value, schemas.get(name, {}))
    if shell.account and "account" not in params:
        params["account"] = shell.account
    timeout = params.pop("timeout_s", None)
    result = shell.call(arguments.method, timeout_s=timeout, on_progress=_progress(shell), **params)
    for step in arguments.filter.split(".") if arguments.filter else ():
        if isinstance(result, list) and step.isdigit() and int(step) < len(result):
            result = result[int(step)]
        else:
            result = get(result, step)
    if isinstance(result, str) and arguments.filter and not shell.json:
        shell.put(result)
        return 0
    encoded = msgspec.json.encode(result)
    compact = arguments.raw or shell.json or not sys.stdout.isatty()
    shell.put((encoded if compact else msgspec.json.format(encoded)).decode())
    return 0


def _progress(shell: Shell) -> Any:
    return lambda note: shell.say("# " + msgspec.json.encode(note).decode())


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        raise Stop(f"{text!r} is no JSON", EXIT_USAGE) from None


def _typed(text: str, schema: dict[str, Any]) -> Any:
    """A value as the method wants it: text where text is taken, so that a number to call stays a text."""
    kinds = {schema.get("type"), *(one.get("type") for one in schema.get("anyOf", ()))}
    if "string" in kinds:
        return text
    if kinds & {"array"} and not text.startswith("["):
        return [part for part in text.split(",") if part]
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def _document(shell: Shell) -> dict[str, Any]:
    document: dict[str, Any] = shell.call("rpc.discover")
    return document


def _schemas(shell: Shell, method: str) -> dict[str, Any]:
    for one in _document(shell)["methods"]:
        if one["name"] == method:
            return {param["name"]: param["schema"] for param in one["params"]}
    return {}


def methods(shell: Shell, arguments: argparse.Namespace) -> int:
    pattern = arguments.pattern or "*"
    rows = [
        {"method": one["name"], "scope": one["x-scope"], "summary": one["summary"]}
        for one in _document(shell)["methods"]
        if fnmatch.fnmatch(one["name"], pattern) or one["name"].startswith(pattern + ".")
    ]
    shell.table(rows, {name: member(name) for name in ("method", "scope", "summary")})
    return 0


def explain(shell: Shell, arguments: argparse.Namespace) -> int:
    document = _document(shell)
    found = [one for one in document["methods"] if one["name"] == arguments.method]
    if not found:
        # The daemon's own refusal knows what was meant.
        shell.call("rpc.check", method=arguments.method)
        raise Stop(f"there is no method `{arguments.method}`; `waconnd methods` lists them", EXIT_USAGE)
    one = found[0]
    if shell.json:
        shell.record(one)
        return 0
    shell.put(
        f"{shell.paint(one['name'], 'bold')}  (scope: {one['x-scope'] or 'none'})\n\n{one['description']}\n"
    )
    for param in sorted(one["params"], key=lambda param: not param["required"]):
        mark = "" if param["required"] else "?"
        schema = param["schema"]
        shell.put(f"  {param['name']}{mark}: {kind_of(schema)}  {about(schema)}".rstrip())
    for name in _objects([param["schema"] for param in one["params"]], document):
        shell.put(f"\n{name}")
        for member_, schema in _members({"$ref": name}, document).items():
            shell.put(f"  {member_}: {kind_of(schema)}  {about(schema)}".rstrip())
    shell.put(f"\nresult: {kind_of(one['result']['schema'])}")
    for name, schema in _members(one["result"]["schema"], document).items():
        shell.put(f"  {name}: {kind_of(schema)}  {about(schema)}".rstrip())
    if one["errors"]:
        shell.put("\nerrors: " + " ".join(error["$ref"].rpartition("/")[2] for error in one["errors"]))
    for example in one.get("examples", ()):
        pairs = {pair["name"]: pair["value"] for pair in example["params"]}
        shell.put(f"\nwaconnd call {one['name']} '{msgspec.json.encode(pairs).decode()}'")
    return 0


def _objects(schemas: list[dict[str, Any]], document: dict[str, Any]) -> list[str]:
    """The named objects in these schemas, and in theirs."""
    found: list[str] = []
    while schemas:
        schema = schemas.pop(0)
        name = schema.get("$ref", "").rpartition("/")[2]
        if name and name not in found:
            found.append(name)
            schemas += _members(schema, document).values()
        schemas += schema.get("anyOf", [])
        schemas += [schema["items"]] if isinstance(schema.get("items"), dict) else []
    return found


def _members(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    properties: dict[str, Any] = schema.get("properties", {})
    return properties


def about(schema: dict[str, Any]) -> str:
    """A schema's description, also where it stands beside `null`."""
    found = (str(one["description"]) for one in (schema, *schema.get("anyOf", ())) if "description" in one)
    return next(found, "")


def kind_of(schema: dict[str, Any]) -> str:
    """A schema in a word."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return "|".join(kind for one in schema["anyOf"] if (kind := kind_of(one)) != "null")
    if "enum" in schema:
        return "|".join(map(str, schema["enum"]))
    kind = str(schema.get("type", "any"))
    return f"[{kind_of(schema['items'])}]" if kind == "array" and "items" in schema else kind

"""Makes the reference halves of docs/rpc.md and docs/operations.md."""

import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from waconnd import api
from waconnd.api.event_types import event_types
from waconnd.cli.commands.raw import about, kind_of
from waconnd.config import Config
from waconnd.rpc import openrpc
from waconnd.rpc.errors import KINDS

ROOT = Path(__file__).parents[2]


def pages() -> Mapping[str, str]:
    """Both, with the upper half as it stands."""
    made = {}
    for path, mark, lower in (
        ("docs/rpc.md", "<!-- below: made from the declarations by `make generate` -->\n", _methods()),
        ("docs/operations.md", "<!-- below: made from waconnd/config by `make generate` -->\n", _keys()),
    ):
        head, line, _ = (ROOT / path).read_text().partition(mark)
        assert line, f"{path} lost the line that parts its halves"
        made[path] = head + line + "\n" + lower
    return made


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _methods() -> str:
    catalogue = api.catalogue()
    document = openrpc.document(catalogue, "", list(event_types().values()))
    out = ["| code | kind | retry | HTTP | exit | what to do |", "|---|---|---|---|---|---|"]
    for kind, known in KINDS.items():
        retry = "yes" if known.retryable else ""
        out.append(
            f"| {known.code} | `{kind}` | {retry} | {known.http} | {known.exit} | {_cell(known.advice)} |"
        )
    out += ["", "## Methods", ""]
    out += [f"[{one['name']}](#{one['name'].replace('.', '')})" for one in document["methods"]]
    for one in document["methods"]:
        needs = f"`{one['x-scope']}`" if one["x-scope"] else "nothing"
        out += ["", f"### {one['name']}", "", one["description"], "", f"Needs: {needs}."]
        common = {"timeout_s", "key", "dry_run"}
        own = [param for param in one["params"] if param["name"] not in common]
        if own:
            out += ["", "| parameter | type | |", "|---|---|---|"]
            for param in own:
                name = f"`{param['name']}`" if param["required"] else f"`{param['name']}`?"
                out.append(
                    f"| {name} | {_cell(kind_of(param['schema']))} | {_cell(about(param['schema']))} |"
                )
        members = _members(one["result"]["schema"], document)
        if members:
            out += ["", "| result | type | |", "|---|---|---|"]
            for name, schema in members.items():
                out.append(f"| `{name}` | {_cell(kind_of(schema))} | {_cell(about(schema))} |")
        if one["errors"]:
            kinds = ", ".join(f"`{error['$ref'].rpartition('/')[2]}`" for error in one["errors"])
            out += ["", f"Errors: {kinds}."]
        for example in one.get("examples", ()):
            pairs = {pair["name"]: pair["value"] for pair in example["params"]}
            out += [
                "",
                "```console",
                f"$ waconnd call {one['name']} '{msgspec.json.encode(pairs).decode()}'",
                "```",
            ]
    out += ["", "## Types of events", ""]
    out += [f"[{one['name']}](#{one['name'].replace('.', '')})" for one in document["x-events"]]
    for one in document["x-events"]:
        out += ["", f"### {one['name']}", "", one["description"]]
        if not one["durable"]:
            out += ["", "Has no row: it is told once, to those who listen."]
        out += ["", "| member of `data` | type | |", "|---|---|---|"]
        shape = _shape(one["schema"], document)
        for name, schema in shape.get("properties", {}).items():
            known = f"`{name}`" if name in shape.get("required", ()) else f"`{name}`?"
            out.append(f"| {known} | {_cell(kind_of(schema))} | {_cell(about(schema))} |")
        out += ["", "```json", msgspec.json.encode(one["example"]).decode(), "```"]
    named = sorted(name for name in document["components"]["schemas"] if not name.endswith("Params"))
    results = {one["result"]["schema"].get("$ref", "").rpartition("/")[2] for one in document["methods"]}
    results |= {one["schema"].get("$ref", "").rpartition("/")[2] for one in document["x-events"]}
    out += ["", "## Objects"]
    for name in named:
        schema = document["components"]["schemas"][name]
        if name in results or "properties" not in schema:
            continue
        out += ["", f"### {name}", ""]
        if schema.get("description"):
            out += [schema["description"], ""]
        out += ["| member | type | |", "|---|---|---|"]
        for member, inner in schema["properties"].items():
            out.append(f"| `{member}` | {_cell(kind_of(inner))} | {_cell(about(inner))} |")
    return "\n".join(out) + "\n"


def _shape(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        found: dict[str, Any] = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return found
    return schema


def _members(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = _shape(schema, document).get("properties", {})
    return properties


def _keys() -> str:
    out: list[str] = []
    for section in msgspec.structs.fields(Config):
        kind, title = section.type, f"[{section.name}]"
        if typing.get_origin(kind) is dict:
            kind, title = typing.get_args(kind)[1], f"[{section.name}.NAME]"
        out += [
            f"### `{title}`",
            "",
            (kind.__doc__ or "").strip(),
            "",
            "| key | type | default | |",
            "|---|---|---|---|",
        ]
        for field in msgspec.structs.fields(kind):
            words, meaning = _described(field.type)
            default = field.default
            if field.default_factory is not msgspec.NODEFAULT:
                default = field.default_factory()
            shown = "" if default is None else f"`{msgspec.json.encode(default).decode()}`"
            out.append(f"| `{field.name}` | {_cell(words)} | {shown} | {_cell(meaning)} |")
        out.append("")
    return "\n".join(out)


def _described(kind: Any) -> tuple[str, str]:
    """A type in words, and its description."""
    if typing.get_origin(kind) is typing.Annotated:
        inner, *metas = typing.get_args(kind)
        return _described(inner)[0], next((meta.description for meta in metas if meta.description), "")
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        parts = [_described(one) for one in typing.get_args(kind) if one is not type(None)]
        return " or ".join(words for words, _ in parts), next((text for _, text in parts if text), "")
    if typing.get_origin(kind) is typing.Literal:
        return ", ".join(f"`{value}`" for value in typing.get_args(kind)), ""
    if typing.get_origin(kind) is list:
        return f"list of {_described(typing.get_args(kind)[0])[0]}", ""
    if typing.get_origin(kind) is dict:
        return "table", ""
    return {str: "text", int: "number", float: "number", bool: "true or false"}.get(kind, "table"), ""

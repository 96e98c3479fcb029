"""The OpenRPC document, made from the declarations: what `rpc.discover` and /openrpc.json answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec

from waconnd.rpc.declare import Catalogue, Method
from waconnd.rpc.errors import KINDS

SPECIFICATION: Final = "1.3.2"
_REF: Final = "#/components/schemas/{name}"


class Told(Protocol):
    """A type of event, as it is described."""

    @property
    def name(self) -> str: ...
    @property
    def doc(self) -> str: ...
    @property
    def durable(self) -> bool: ...
    @property
    def wire(self) -> type[msgspec.Struct]: ...
    @property
    def example(self) -> Mapping[str, Any]: ...


def document(catalogue: Catalogue, version: str, events: Sequence[Told] = ()) -> dict[str, Any]:
    """Describe all methods and types of events."""
    methods = list(catalogue)
    types = [kind for one in methods for kind in (one.wire, one.types[1])]
    types += [one.wire for one in events]
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    return {
        "openrpc": SPECIFICATION,
        "info": {
            "title": "waconnd",
            "version": version,
            "description": "JSON-RPC 2.0 over a Unix socket, one text per line; `POST /METHOD` does the same by HTTP.",
        },
        "methods": [
            _method(one, _flat(schemas[2 * n], components), schemas[2 * n + 1])
            for n, one in enumerate(methods)
        ],
        "x-events": [
            {
                "name": one.name,
                "description": one.doc,
                "durable": one.durable,
                "schema": schemas[2 * len(methods) + n],
                "example": one.example,
            }
            for n, one in enumerate(events)
        ],
        "components": {
            "schemas": components,
            "errors": {
                kind: {
                    "code": known.code,
                    "message": kind,
                    "data": {
                        "kind": kind,
                        "retryable": known.retryable,
                        "exit": known.exit,
                        "advice": known.advice,
                    },
                }
                for kind, known in KINDS.items()
            },
        },
    }


def _flat(schema: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = components[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    return found


def _method(method: Method[Any, Any], params: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    required = set(params.get("required", ()))
    described = {
        "name": method.name,
        "summary": method.summary,
        "description": method.doc,
        "paramStructure": "by-name",
        "params": [
            {"name": name, "required": name in required, "schema": schema}
            for name, schema in params.get("properties", {}).items()
        ],
        "result": {"name": "result", "schema": result},
        "errors": [{"$ref": f"#/components/errors/{kind}"} for kind in method.errors],
        "x-scope": None if method.scope is None else method.scope.value,
        "x-account": method.account,
    }
    if method.example:
        pairs = [{"name": name, "value": value} for name, value in method.example.items()]
        described["examples"] = [{"name": "example", "params": pairs}]
    return described

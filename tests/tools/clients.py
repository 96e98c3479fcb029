"""Makes the typed half of waconnd/client/*.py from the declared methods."""

import keyword
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import inspect as mi

from waconnd import api
from waconnd.rpc.declare import Catalogue, Method

ROOT = Path(__file__).parents[2]
#: Nouns whose name the connection itself uses: `events(…)` is the iterator, `call(…)` calls any method.
ATTRIBUTES = {"events": "event", "call": "calls"}
LINE = "# --- made from the declarations by `make generate`; changes below are lost ---\n"


class Names:
    """Python types for declared types; structs become TypedDicts, collected on the way."""

    def __init__(self, types: list[Any]) -> None:
        self.structs: dict[type, str] = {}
        seen: dict[type, None] = {}
        for info in mi.multi_type_info(types):
            self._walk(info, seen)
        twice = {name for name, count in Counter(kind.__name__ for kind in seen).items() if count > 1}
        for kind in seen:
            prefix = kind.__module__.rpartition(".")[2].strip("_").title() if kind.__name__ in twice else ""
            self.structs[kind] = f"{prefix}{kind.__name__}"

    def _walk(self, info: mi.Type, seen: dict[type, None]) -> None:
        match info:
            case mi.Metadata(type=inner):
                self._walk(inner, seen)
            case mi.StructType(cls=kind, fields=fields):
                if kind not in seen:
                    seen[kind] = None
                    for field in fields:
                        self._walk(field.type, seen)
            case mi.UnionType(types=types) | mi.TupleType(item_types=types):
                for one in types:
                    self._walk(one, seen)
            case mi.ListType(item_type=item) | mi.SetType(item_type=item) | mi.FrozenSetType(item_type=item):
                self._walk(item, seen)
            case mi.VarTupleType(item_type=item):
                self._walk(item, seen)
            case mi.DictType(key_type=key, value_type=value):
                self._walk(key, seen)
                self._walk(value, seen)

    def text(self, info: mi.Type) -> str:
        match info:
            case mi.Metadata(type=inner):
                return self.text(inner)
            case mi.StructType(cls=kind):
                return self.structs[kind]
            case mi.UnionType(types=types):
                return " | ".join(dict.fromkeys(self.text(one) for one in types))
            case mi.ListType(item_type=item) | mi.SetType(item_type=item) | mi.FrozenSetType(item_type=item):
                return f"List[{self.text(item)}]"
            case mi.VarTupleType(item_type=item):
                return f"List[{self.text(item)}]"
            case mi.TupleType(item_types=types):
                return "List[Any]"
            case mi.DictType(key_type=key, value_type=value):
                return f"dict[{self.text(key)}, {self.text(value)}]"
            case mi.LiteralType(values=values):
                return f"Literal[{', '.join(map(_quoted, values))}]"
            case mi.EnumType(cls=kind):
                return f"Literal[{', '.join(_quoted(member.value) for member in kind)}]"
            case mi.IntType():
                return "int"
            case mi.FloatType():
                return "float"
            case mi.BoolType():
                return "bool"
            case mi.NoneType():
                return "None"
            case mi.StrType() | mi.BytesType() | mi.DateTimeType():
                return "str"
        return "Any"


def _quoted(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _safe(name: str) -> str:
    return f"{name}_" if keyword.iskeyword(name) else name


def _struct(kind: type, names: Names) -> list[str]:
    info = mi.type_info(kind)
    assert isinstance(info, mi.StructType)
    members = []
    for field in info.fields:
        text = names.text(field.type)
        members.append((field.encode_name, text if field.required else f"NotRequired[{text}]"))
    name = names.structs[kind]
    if any(keyword.iskeyword(member) for member, _ in members):
        inner = ", ".join(f'"{member}": "{text}"' for member, text in members)
        return [f'{name} = TypedDict("{name}", {{{inner}}})', "", ""]
    doc = (kind.__doc__ or "").strip().partition("\n")[0]
    if doc.startswith(f"{kind.__name__}(") or not doc:
        doc = f"`{name}` of the reference."
    body = [f"    {member}: {text}" for member, text in members]
    return [f"class {name}(TypedDict):", f'    """{doc}"""', *([""] if body else []), *body, "", ""]


def _method(method: Method[Any, Any], names: Names, *, waits: bool) -> list[str]:
    info = mi.type_info(method.wire)
    assert isinstance(info, mi.StructType)
    fields = sorted(info.fields, key=lambda field: not field.required)
    result = names.text(mi.type_info(method.types[1]))
    arguments = []
    for field in fields:
        text = names.text(field.type)
        if not field.required:
            text = text if text.endswith("None") else f"{text} | None"
            text += " = None"
        arguments.append(f"{_safe(field.encode_name)}: {text}")
    star = ["*"] if arguments else []
    reserved = [field.encode_name for field in fields if keyword.iskeyword(field.encode_name)]
    plain = [f"{f.encode_name}={f.encode_name}" for f in fields if f.encode_name not in reserved]
    sent = ", ".join([*plain, *(["**more"] if reserved else [])])
    prefix, wait = ("async def", "await ") if waits else ("def", "")
    verb = _safe(method.name.partition(".")[2])
    signature = ", ".join(["self", *star, *arguments])
    call = f'{wait}self._connection.call("{method.name}"{", " if sent else ""}{sent})'
    summary = method.summary.replace("\\", "\\\\").replace('"""', "'''")
    lines = [f"    {prefix} {verb}({signature}) -> {result}:", f'        """{summary}"""']
    if reserved:
        pairs = ", ".join(f'"{name}": {name}_' for name in reserved)
        lines.append(f"        more: dict[str, Any] = {{{pairs}}}")
    if result == "None":
        lines.append(f"        {call}")
    elif result == "Any":
        lines.append(f"        return {call}")
    else:
        lines += [f"        result: {result} = {call}", "        return result"]
    return [*lines, ""]


def typed(catalogue: Catalogue, client: str, *, waits: bool) -> str:
    """The generated half."""
    methods = list(catalogue)
    inside: list[Any] = [field.type for one in methods for field in msgspec.structs.fields(one.wire)]
    names = Names([*inside, *(one.types[1] for one in methods)])
    out = [
        "# fmt: off",
        "List = list  # a method may be called `list`",
        "",
        "",
    ]
    for kind in names.structs:
        out += _struct(kind, names)
    nouns: dict[str, list[Method[Any, Any]]] = {}
    for one in methods:
        nouns.setdefault(one.name.partition(".")[0], []).append(one)
    for noun, own in nouns.items():
        out += [f"class {noun.title()}Methods:", f'    """`{noun}.*`"""', ""]
        out += [
            "    def __init__(self, connection: Connection) -> None:",
            "        self._connection = connection",
            "",
        ]
        for one in own:
            out += _method(one, names, waits=waits)
        out.append("")
    out += [
        f"class {client}(Connection):",
        '    """All methods, by noun: `client.message.send(…)`; `events(…)` of the connection follows the log."""',
        "",
        "    def __init__(self, path: str | os.PathLike[str] | None = None, *, timeout: float | None = 75.0) -> None:",
        "        super().__init__(path, timeout=timeout)",
    ]
    out += [f"        self.{ATTRIBUTES.get(noun, noun)} = {noun.title()}Methods(self)" for noun in nouns]
    return "\n".join(out) + "\n"


def clients() -> Mapping[str, str]:
    """waconnd/client/sync.py and aio.py: the upper half as it stands, the lower made anew."""
    catalogue = api.catalogue()
    made = {}
    for name, client, waits in (("sync", "Client", False), ("aio", "AsyncClient", True)):
        path = f"waconnd/client/{name}.py"
        head, line, _ = (ROOT / path).read_text().partition(LINE)
        assert line, f"{path} lost the line that parts its halves"
        made[path] = head + line + typed(catalogue, client, waits=waits)
    return made

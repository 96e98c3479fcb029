"""How a method is declared. Validation, OpenRPC, the reference page, the client, help and completion come from this.

    class PinParams(Params):
        id: str
        on: bool = True

    class PinResult(Result):
        status: str

    @method("message.pin", scope=Scope.SEND, account=True, errors=("not_found",), example={"id": "3EB0…"})
    async def pin(call: Call, params: PinParams) -> PinResult:
        '''Pin a message for everybody in the chat.'''

A limit belongs to its type, not to the union with None: `Annotated[str, Meta(max_length=9)] | None`, else msgspec refuses it.

A module of methods is any module; `Catalogue.of(modules)` collects what was declared there. The parameters that all methods
share never stand in a params struct: `account` (when `account=True`), `timeout_s`, and for what changes something `key` and
`dry_run`; they arrive in `call`.
"""

from __future__ import annotations

import enum
import inspect
import re
import typing
from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import cached_property
from types import ModuleType
from typing import Annotated, Any, Final, Generic, TypeVar

import msgspec

from waconnd.rpc.caller import Call
from waconnd.rpc.errors import KINDS, RpcError

#: Nothing that a client waits for should take longer; a method that waits by purpose names its own.
DEADLINE_S: Final = 75.0

#: The longest time that a client may ask to wait in one call: a proxy or a forgotten shell ends sooner.
MAX_TIMEOUT_S: Final = 3600.0

NAME: Final = re.compile(r"^[a-z]+\.[a-z][a-z_]*$")


class Scope(enum.StrEnum):
    """What a peer may do. `admin` holds the others."""

    READ = "read"
    SEND = "send"
    ADMIN = "admin"


class Params(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of all params: what we don't know is refused by name. Nested objects derive from it too."""


class Result(msgspec.Struct, frozen=True, omit_defaults=True):
    """Base of all results: a member that equals its default is absent, so give a default to optional members only."""


class NoParams(Params, frozen=True):
    """A method without parameters of its own."""


class Done(Result, frozen=True):
    """The result of what has nothing to tell but that it is done."""

    ok: bool


P = TypeVar("P", bound=Params)
R = TypeVar("R")

Account = Annotated[str, msgspec.Meta(description="Which account. Optional when there is exactly one.")]
Timeout = Annotated[
    float,
    msgspec.Meta(
        gt=0, le=MAX_TIMEOUT_S, description="Give up after so many seconds, with the error `timeout`."
    ),
]
Key = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=200,
        description="Idempotency: the same key and the same request give the same result, once.",
    ),
]
DryRun = Annotated[bool, msgspec.Meta(description="Check everything, change nothing.")]


class Method(Generic[P, R]):
    """One declared method. Calling it runs the function; the dispatcher does so after all checks."""

    def __init__(
        self,
        name: str,
        function: Callable[[Call, P], Awaitable[R]],
        *,
        scope: Scope | None,
        account: bool,
        mutates: bool,
        errors: tuple[str, ...],
        example: dict[str, Any],
        deadline_s: float,
        previews: bool,
        owns_key: bool,
    ) -> None:
        self.name = name
        self.function = function
        self.scope = scope
        self.account = account
        self.mutates = mutates
        self.errors = errors
        self.example = example
        self.deadline_s = deadline_s
        self.previews = previews
        self.owns_key = owns_key
        self.doc = inspect.cleandoc(function.__doc__ or "")

    def __call__(self, call: Call, params: P) -> Awaitable[R]:
        return self.function(call, params)

    @property
    def summary(self) -> str:
        """The first sentence of the help."""
        return self.doc.partition("\n")[0]

    @cached_property
    def types(self) -> tuple[type[P], Any]:
        """The params struct and the result type, as declared."""
        hints = typing.get_type_hints(self.function, include_extras=True)
        names = list(inspect.signature(self.function).parameters)
        return hints[names[1]], hints["return"]

    @cached_property
    def wire(self) -> type[P]:
        """The params struct with the parameters that every method takes: a subclass, so one decode does it all."""
        own = self.types[0]
        have = own.__struct_fields__
        shared: list[tuple[str, Any, Any]] = []
        if self.account:
            shared.append(("account", Account | None, None))
        shared.append(("timeout_s", Timeout | None, None))
        if self.mutates:
            shared += [("key", Key | None, None), ("dry_run", DryRun, False)]
        fields = [field for field in shared if field[0] not in have]
        title = "".join(word.title() for word in re.split("[._]", self.name)) + "Params"
        module = self.function.__module__
        struct = msgspec.defstruct(title, fields, bases=(own,), kw_only=True, frozen=True, module=module)
        return typing.cast("type[P]", struct)

    @cached_property
    def _decoder(self) -> msgspec.json.Decoder[P]:
        return msgspec.json.Decoder(self.wire)

    def decode(self, raw: bytes | msgspec.Raw) -> P:
        """The params from JSON. Raises RpcError naming the field."""
        try:
            return self._decoder.decode(raw or b"{}")
        except msgspec.ValidationError as error:
            raise invalid(self, error) from None
        except (msgspec.DecodeError, RecursionError) as error:
            raise RpcError("invalid_params", f"{self.name}: {error}", path="$") from None


_UNKNOWN: Final = re.compile(r"unknown field `([^`]*)`")
_MISSING: Final = re.compile(r"missing required field `([^`]*)`")
_PLACE: Final = re.compile(r" - at `(\$[^`]*)`")


def invalid(method: Method[Any, Any], error: msgspec.ValidationError) -> RpcError:
    """A validation error as a sentence, with the path of the bad field."""
    text = str(error)
    place = _PLACE.search(text)
    path = place[1] if place else "$"
    sentence = _PLACE.sub("", text)
    advice = None
    if unknown := _UNKNOWN.search(text):
        field = unknown[1]
        sentence = f"unknown parameter `{field}`"
        if path == "$":
            import difflib  # for somebody's slip alone

            near = difflib.get_close_matches(field, method.wire.__struct_fields__, n=1)
            advice = f"did you mean `{near[0]}`?" if near else f"`waconnd help {method.name}` lists them"
        path = f"{path}.{field}"
    elif missing := _MISSING.search(text):
        sentence = f"missing parameter `{missing[1]}`"
        path = f"{path}.{missing[1]}"
    elif path == "$" and "got `array`" in text:
        sentence = "parameters are passed by name, as an object"
    else:
        sentence = f"`{path.removeprefix('$.')}`: {sentence[:1].lower()}{sentence[1:]}"
    return RpcError("invalid_params", f"{method.name}: {sentence}", path=path, advice=advice)


def method(
    name: str,
    *,
    scope: Scope | None,
    account: bool = False,
    mutates: bool | None = None,
    errors: tuple[str, ...] = (),
    example: dict[str, Any] | None = None,
    deadline_s: float = DEADLINE_S,
    previews: bool = False,
    owns_key: bool = False,
) -> Callable[[Callable[[Call, P], Awaitable[R]]], Method[P, R]]:
    """Declare a method.

    `scope`: what the peer needs; None is for everybody who may connect. `account`: it acts on one account, whose name arrives in
    `call.account`. `mutates`: takes `key` and `dry_run`; by default all that is not `read` does. `previews`: the function
    handles `call.dry_run` itself (else a dry run ends after validation). `owns_key`: the function makes `call.key` durable
    itself (else the dispatcher remembers results for a while, in memory). `deadline_s`: how long it may take when the client
    names no `timeout_s`.
    """
    assert NAME.match(name), f"{name}: a method is called noun.verb"
    assert all(kind in KINDS for kind in errors), f"{name}: declares an unknown kind of error"

    def wrap(function: Callable[[Call, P], Awaitable[R]]) -> Method[P, R]:
        assert function.__doc__, f"{name}: the docstring is the help"
        return Method(
            name,
            function,
            scope=scope,
            account=account,
            mutates=scope in (Scope.SEND, Scope.ADMIN) if mutates is None else mutates,
            errors=errors,
            example=example or {},
            deadline_s=deadline_s,
            previews=previews,
            owns_key=owns_key,
        )

    return wrap


class Catalogue:
    """All methods of one socket, by name."""

    def __init__(self, methods: Iterable[Method[Any, Any]]) -> None:
        self._methods: dict[str, Method[Any, Any]] = {}
        for one in methods:
            if self._methods.setdefault(one.name, one) is not one:
                raise ValueError(f"{one.name} is declared twice")

    @classmethod
    def of(cls, modules: Iterable[ModuleType]) -> Catalogue:
        """What these modules declare."""
        return cls(
            value for module in modules for value in vars(module).values() if isinstance(value, Method)
        )

    def __iter__(self) -> Iterator[Method[Any, Any]]:
        return iter(sorted(self._methods.values(), key=lambda one: one.name))

    def __len__(self) -> int:
        return len(self._methods)

    def __contains__(self, name: str) -> bool:
        return name in self._methods

    def __getitem__(self, name: str) -> Method[Any, Any]:
        try:
            return self._methods[name]
        except KeyError:
            pass
        import difflib

        near = difflib.get_close_matches(name, self._methods, n=1)
        advice = f"did you mean `{near[0]}`?" if near else None
        raise RpcError("method_not_found", f"there is no method `{name[:80]}`", advice=advice)

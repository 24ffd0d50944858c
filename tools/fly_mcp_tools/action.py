"""A row of the action table: everything about one action, and nothing about it anywhere else.

Tool names, descriptions, schemas, annotations, the confirm gate, retry and rate rules, the README's table
and the laws in the tests are derived from rows. A row that contradicts itself is refused at import.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import JsonValue, ValidationError

from .endpoint import Endpoint
from .models import Params, Result, WriteResult

if TYPE_CHECKING:
    from .call import Call

ParamsT = TypeVar("ParamsT", bound=Params)
ResultT = TypeVar("ResultT", bound=Result)

#: Arguments that no row declares: the gate's, and that of every write.
CONFIRM, REQUEST_ID = "confirm", "requestId"
RESERVED = frozenset({CONFIRM, REQUEST_ID})

_NAME = re.compile(r"^fly([A-Z][a-z]+){2,4}$")


class Access(StrEnum):
    """What a caller must be allowed to do. A rule for one grants no other."""

    READ = "read"
    WRITE = "write"
    #: A command on a machine is arbitrary code that can read every secret: it stands apart.
    EXEC = "exec"
    DESTRUCTIVE = "destructive"


class Gate(StrEnum):
    """When the `confirm` argument is asked for."""

    NEVER = "never"
    ALWAYS = "always"
    #: Only where the plan made from what Fly says destroys something, as scaling down does, or is billed.
    BY_PLAN = "by_plan"


class Group(StrEnum):
    """The toolset an action belongs to; the order is that of the tool list."""

    APPS = "apps"
    MACHINES = "machines"
    LEASES = "leases"
    METADATA = "metadata"
    SECRETS = "secrets"
    SCALING = "scaling"
    VOLUMES = "volumes"
    CERTIFICATES = "certificates"
    IPS = "ips"
    LOGS = "logs"
    ORGS = "orgs"
    PLATFORM = "platform"
    #: Off unless named: what a token is, and tokens that say who a machine is.
    TOKENS = "tokens"


class Scope(StrEnum):
    """The narrowest token of `fly tokens create ...` that suffices."""

    READONLY = "readonly"
    MACHINE_EXEC = "machine-exec"
    DEPLOY = "deploy"
    ORG = "org"


@dataclass(frozen=True)
class Example:
    """A user's sentence and the call that answers it. Each is executed by a test."""

    says: str
    arguments: Mapping[str, JsonValue]


@dataclass(frozen=True)
class Loss:
    """What a destructive call would destroy, as read from Fly. `message` is one sentence for a person."""

    message: str
    facts: dict[str, JsonValue]


@dataclass(frozen=True, kw_only=True)
class Action(Generic[ParamsT, ResultT]):
    """One action.

    Args:
        name: the documented name, to the letter.
        title: what a person sees in a list.
        summary: one imperative sentence, ending with a full stop; purpose first.
        notes: units, side effects, what is not done, which sibling to use instead. Empty: nothing to add.
        group: the toolset.
        calls: every endpoint this action may send. The client sends nothing else for it.
        params: what is asked for; closed, so an unknown argument is refused.
        result: what the caller may rely on.
        access: required; MCP's annotations follow from it.
        additive: true only where nothing existing is changed or lost (MCP's destructiveHint is its opposite).
        idempotent: repeating the call with the same arguments changes nothing more.
        scope: narrowest sufficient token.
        source: the page the action is documented on.
        examples: at least one.
        run: the composite. None: the row is one plain call of its single endpoint.
        wrap: for a plain call whose answer is a bare array: the key it is given.
        purpose: the passing write that this action is for, such as a lease or a snapshot. Elsewhere such a write
            is a means and counts for nothing; here it is what is done.
        gate: where `confirm` appears: where something is destroyed, or billed that need not be expected.
        preview: for gate ALWAYS: reads what would be lost; sends nothing but reads. It may raise where the
            call would be refused anyway, confirmed or not.
        mints: makes a credential. Nothing at Fly changes by it, but whoever may only look has no use for it.
        secret_params: parameters whose values must appear nowhere.
        untrusted_output: the answer holds text that a stranger can write.
    """

    name: str
    title: str
    summary: str
    group: Group
    calls: tuple[Endpoint, ...]
    params: type[ParamsT]
    result: type[ResultT]
    access: Access
    additive: bool
    idempotent: bool
    scope: Scope
    source: str
    examples: tuple[Example, ...]
    notes: str = ""
    run: Callable[[Call, ParamsT], Awaitable[ResultT]] | None = None
    wrap: str | None = None
    purpose: Endpoint | None = None
    gate: Gate = Gate.NEVER
    preview: Callable[[Call, ParamsT], Awaitable[Loss]] | None = None
    mints: bool = False
    secret_params: frozenset[str] = frozenset()
    untrusted_output: bool = False

    @property
    def writes(self) -> bool:
        """Whether it can change anything: every action but reads. Such a one takes `requestId`."""
        return self.access is not Access.READ

    @property
    def only_looks(self) -> bool:
        """Whether it changes nothing and makes nothing: what a server that only reads may offer."""
        return not self.writes and not self.mints

    @property
    def destroys(self) -> bool:
        """Whether it can lose something for good."""
        return any(endpoint.destroys for endpoint in self.calls)

    def counts(self, endpoint: Endpoint) -> bool:
        """Whether sending it is a change that this action answers for, and not a means that passes by itself."""
        return endpoint.writes and (not endpoint.passing or endpoint == self.purpose)

    def __post_init__(self) -> None:
        """Refuse a row that contradicts itself, naming every contradiction."""
        wrong = [*self._wrong_words(), *self._wrong_access(), *self._wrong_shape(), *self._wrong_examples()]
        if wrong:
            raise ValueError(f"row {self.name}: " + "; ".join(wrong))

    def _wrong_words(self) -> list[str]:
        wrong: list[str] = []
        if not _NAME.match(self.name):
            wrong.append("the name must be `fly` + Verb + Noun")
        if not self.title:
            wrong.append("no title")
        if not self.summary.endswith(".") or "\n" in self.summary or len(self.summary) > 120:
            wrong.append("the summary must be one line of at most 120 characters that ends with a full stop")
        if not self.source.startswith("https://"):
            wrong.append("the source must be a page")
        return wrong

    def _wrong_access(self) -> list[str]:
        wrong: list[str] = []
        writes = [endpoint.name for endpoint in self.calls if endpoint.writes]
        if self.access is Access.READ and writes:
            wrong.append(f"a READ action must not send {', '.join(writes)}")
        if self.access is not Access.READ and not any(self.counts(one) for one in self.calls):
            wrong.append(f"{self.access} but it sends nothing that writes")
        if self.purpose is not None and not (self.purpose in self.calls and self.purpose.passing):
            wrong.append("`purpose` is a passing write among its calls")
        if (self.access is Access.EXEC) != any(endpoint.executes for endpoint in self.calls):
            wrong.append("EXEC and running a command go together")
        if self.access is Access.READ and not (self.additive and self.idempotent):
            wrong.append("a READ action is additive and idempotent")
        asks = self.destroys or any(endpoint.bills for endpoint in self.calls)
        if asks != (self.gate is not Gate.NEVER):
            wrong.append("the gate must ask exactly where something can be destroyed or billed")
        if (self.access is Access.DESTRUCTIVE) != self.destroys:
            wrong.append("DESTRUCTIVE and destroying something go together")
        if self.access is Access.DESTRUCTIVE and self.additive:
            wrong.append("a DESTRUCTIVE action is not additive")
        return wrong

    def _wrong_shape(self) -> list[str]:
        wrong: list[str] = []
        if self.run is None and len(self.calls) != 1:
            wrong.append("a plain call has exactly one endpoint; anything else needs `run`")
        if self.run is not None and self.wrap is not None:
            wrong.append("`wrap` is for plain calls")
        if (self.preview is not None) != (self.gate is Gate.ALWAYS):
            wrong.append("`preview` and gate ALWAYS go together")
        if self.params.model_config.get("extra") != "forbid":
            wrong.append("params must be closed")
        if "confirm" in self.params.model_fields:
            wrong.append("`confirm` belongs to the gate, not to the params")
        if "request_id" in self.params.model_fields:
            wrong.append("`requestId` belongs to every write, not to the params")
        if issubclass(self.result, WriteResult) is not self.writes:
            wrong.append("a result says its outcome exactly where the action is no READ")
        unnamed = [name for name, field in self.params.model_fields.items() if not field.description]
        if unnamed:
            wrong.append(f"no description: {', '.join(unnamed)}")
        if not self.secret_params <= self.params.model_fields.keys():
            wrong.append("secret_params names a parameter that is not there")
        if self.run is None:
            missing = set(self.calls[0].placeholders) - self.params.model_fields.keys()
            if missing:
                wrong.append(f"the path needs {', '.join(sorted(missing))}")
        return wrong

    def _wrong_examples(self) -> list[str]:
        wrong: list[str] = [] if self.examples else ["no example"]
        for example in self.examples:
            arguments = {key: value for key, value in example.arguments.items() if key not in RESERVED}
            if "confirm" in example.arguments and self.gate is Gate.NEVER:
                wrong.append("an example confirms what is not asked for")
            try:
                self.params.model_validate(arguments)
            except ValidationError as error:
                wrong.append(f"example {example.says!r} does not fit: {error.errors()[0]['msg']}")
        return wrong


#: A row of whatever params and result; `dispatch` pairs them.
AnyAction = Action[Any, Any]


def table(*rows: AnyAction) -> Mapping[str, AnyAction]:
    """The action table from its rows, in order. Raises ValueError for a name that stands twice."""
    named: dict[str, AnyAction] = {}
    for row in rows:
        if row.name in named:
            raise ValueError(f"two rows are called {row.name}")
        named[row.name] = row
    return MappingProxyType(named)

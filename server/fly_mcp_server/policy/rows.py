"""The policy as it is written: pydantic's models of the file's tables, closed and checked row by row."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from fly_mcp_server.access.names import reserved
from fly_mcp_tools.action import Access, Group
from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.ids import OrgSlug

from .decision import Effect
from .rules import Rule
from .words import ANY, action_pattern, app_pattern, matches

_CLOSED: Final = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
_AGENT: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
HOW_TO_NAME_IT: Final = (
    'write { env = "NAME" } or { file = "PATH" }, since a token itself has no place in this file'
)


class TokenFrom(BaseModel):
    """Where an agent's Fly token is. The token itself has no place in the policy."""

    model_config = _CLOSED

    env: str = Field(default="", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    file: str = Field(default="", min_length=1)

    @model_validator(mode="after")
    def _one(self) -> TokenFrom:
        if bool(self.env) == bool(self.file):
            raise ValueError(HOW_TO_NAME_IT)
        return self


class RuleRow(BaseModel):
    """A rule as it is written."""

    model_config = _CLOSED

    effect: Effect
    name: str = Field(default="", max_length=60, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]*$")
    actions: tuple[Annotated[str, AfterValidator(action_pattern)], ...] = ()
    groups: tuple[Group, ...] = ()
    access: tuple[Access, ...] = ()
    apps: tuple[Annotated[str, AfterValidator(app_pattern)], ...] = ()
    orgs: tuple[Annotated[str, AfterValidator(app_pattern)], ...] = ()

    @model_validator(mode="after")
    def _says_what(self) -> RuleRow:
        empty = [key for key in self.model_fields_set if getattr(self, key) == ()]
        if empty:
            raise ValueError(
                f"{', '.join(sorted(empty))}: is an empty list, which nothing is in; leave it out or fill it"
            )
        if not self.actions and not self.access and self.effect is not Effect.DENY:
            raise ValueError("names neither actions nor access, so it grants nothing: say what it is for")
        if self.model_fields_set <= {"effect", "name"}:
            raise ValueError("denies everything, which is so without it: say what it is for")
        rule = self.rule("")
        about = [action for action in ACTIONS.values() if not rule.misses_action(action)]
        if not about:
            raise ValueError("is about no action at all: what it names excludes each other")
        wild = [one for one in self.actions if ANY in one]
        classes = {str(action.access) for action in about if any(matches(one, action.name) for one in wild)}
        if self.effect is not Effect.DENY and not self.access and len(classes) > 1:
            raise ValueError(
                f"{', '.join(wild)} is about {', '.join(sorted(classes))}: say which of these with access, since a "
                "rule for one grants no other"
            )
        return self

    def rule(self, place: str) -> Rule:
        """The rule, named by its place where it has no name."""
        return Rule(
            name=self.name or place,
            effect=self.effect,
            actions=self.actions,
            groups=frozenset(self.groups),
            access=frozenset(self.access),
            apps=self.apps,
            orgs=self.orgs,
        )


class AgentRow(BaseModel):
    """An agent as it is written."""

    model_config = _CLOSED

    fly_token: TokenFrom | None = None
    org: OrgSlug
    oauth: str = Field(default="", max_length=200)
    read_only: bool = Field(default=False, strict=True)
    rules: tuple[RuleRow, ...] = ()


def _no_callers_name(name: str) -> str:
    if reserved(name):
        raise ValueError("is the name of callers that are no agents: choose another")
    return name


class FileRow(BaseModel):
    """The whole file."""

    model_config = _CLOSED

    agents: dict[
        Annotated[str, Field(pattern=rf"^{_AGENT}$"), AfterValidator(_no_callers_name)], AgentRow
    ] = Field(min_length=1)

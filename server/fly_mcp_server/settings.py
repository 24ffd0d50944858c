"""What the operator sets: one row a setting, read from the environment, shown in one generated table."""

from __future__ import annotations

import os

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr, ValidationError

LOG_LEVELS = ("debug", "info", "warning", "error")


class SettingsError(Exception):
    """A setting that cannot be used; the text names it and what to set instead, and shows no value."""


class Settings(BaseModel):
    """Every setting. The first name is the one to use; others are read too.

    Plain pydantic: pydantic-settings would add 3 % to the start-up time, and takes a blank for a value.
    """

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True, populate_by_name=True, frozen=True)

    token: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("FLY_API_TOKEN", "FLY_ACCESS_TOKEN"),
        description="Fly API token, in any shape `fly tokens create` prints. `FLY_ACCESS_TOKEN` is read where "
        "it is not set.",
    )
    org_slug: str = Field(
        default="",
        validation_alias=AliasChoices("FLY_ORG_SLUG"),
        description="Organisation for calls that name none. Default: the token's only one, else `personal`.",
    )
    api_hostname: str = Field(
        default="",
        validation_alias=AliasChoices("FLY_API_HOSTNAME"),
        description="Base URL of Fly's Machines API. Default: `https://api.machines.dev`.",
    )
    default_image: str = Field(
        default="",
        validation_alias=AliasChoices("FLY_MCP_DEFAULT_IMAGE"),
        description="Image for `flyCreateMachine` where neither the call nor the app has one.",
    )
    state: str = Field(
        default="",
        validation_alias=AliasChoices("FLY_MCP_STATE"),
        description="Directory for what outlives the process: request ids (a day) and configs of destroyed "
        "machines (30 days). Default: the user's state directory, such as `~/.local/state/fly-mcp`; with the "
        "embedded Fly: none.",
    )
    emulator: bool = Field(
        default=False,
        validation_alias=AliasChoices("FLY_MCP_EMULATOR"),
        description="`1`: serve the embedded Fly instead of the real one.",
    )
    log_level: str = Field(
        default="warning",
        validation_alias=AliasChoices("FLY_MCP_LOG_LEVEL"),
        description="`debug`, `info`, `warning` (the default) or `error`; log lines go to stderr.",
    )


def read() -> Settings:
    """The settings of this process's environment.

    An empty or blank variable counts as not set, since MCP clients' configurations are full of them.

    Raises:
        SettingsError: naming every setting that cannot be used.
    """
    try:
        settings = Settings.model_validate(
            {name: value for name, value in os.environ.items() if value.strip()}
        )
    except ValidationError as error:
        names = [f"{item['loc'][0]}: {item['msg']}" for item in error.errors(include_input=False)]
        raise SettingsError("; ".join(names)) from None
    if settings.log_level.lower() not in LOG_LEVELS:
        raise SettingsError(f"FLY_MCP_LOG_LEVEL: must be one of {', '.join(LOG_LEVELS)}")
    return settings


def rows() -> list[tuple[str, str]]:
    """Name and description of each setting, for the README."""
    table: list[tuple[str, str]] = []
    for field in Settings.model_fields.values():
        alias = field.validation_alias
        name = alias.choices[0] if isinstance(alias, AliasChoices) else alias
        table.append((str(name), field.description or ""))
    return table

"""What the operator sets: one row a setting, read from the environment, shown in one generated table."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr, ValidationError

from fly_mcp_tools.selection import Choice

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
    web_hostname: str = Field(
        default="",
        validation_alias=AliasChoices("FLY_API_BASE_URL"),
        description="Base URL of Fly's GraphQL and web API, for organisations and logs. Default: "
        "`https://api.fly.io`; beside a `FLY_API_HOSTNAME` on this machine the same; beside another one it must be "
        "set.",
    )
    toolsets: str = Field(
        default="",
        validation_alias=AliasChoices("FLY_MCP_TOOLSETS"),
        description="Toolsets to switch on, with commas; `all` is all. Default: all but `tokens`.",
    )
    tools: str = Field(
        default="",
        validation_alias=AliasChoices("FLY_MCP_TOOLS"),
        description="Tools to switch on by name: beside the toolsets where some are named, else these alone.",
    )
    exclude_tools: str = Field(
        default="",
        validation_alias=AliasChoices("FLY_MCP_EXCLUDE_TOOLS"),
        description="Tools to switch off by name, whatever else is said.",
    )
    read_only: bool = Field(
        default=False,
        validation_alias=AliasChoices("FLY_MCP_READ_ONLY"),
        description="`1`: only tools that change nothing.",
    )
    app: str = Field(
        default="",
        validation_alias=AliasChoices("FLY_MCP_APP"),
        description="The one app that can be reached: `appName` is filled in, and tools that reach beyond it are "
        "off.",
    )
    org: str = Field(
        default="",
        validation_alias=AliasChoices("FLY_MCP_ORG"),
        description="The one organisation that calls may name: `orgSlug` is filled in. Which apps can be reached "
        "by name is for the token to decide.",
    )
    output_schemas: bool = Field(
        default=True,
        validation_alias=AliasChoices("FLY_MCP_OUTPUT_SCHEMAS"),
        description="`0`: list the tools without the schemas of their results, which some clients pay for.",
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
    audit: str = Field(
        default="",
        validation_alias=AliasChoices("FLY_MCP_AUDIT"),
        description="The audit trail: a file that is appended to, or `stderr`. Default: none.",
    )
    agents: str = Field(
        default="",
        validation_alias=AliasChoices("FLY_MCP_AGENTS"),
        description="File with the hashed tokens of agents, which `fly-mcp agents` writes. Default: `agents.json` "
        "in the state directory.",
    )
    public_url: str = Field(
        default="",
        validation_alias=AliasChoices("FLY_MCP_PUBLIC_URL"),
        description="The address by which agents reach this server, such as `https://fly.example.com/mcp`: the "
        "audience that OAuth tokens must be for.",
    )
    oauth_issuer: str = Field(
        default="",
        validation_alias=AliasChoices("FLY_MCP_OAUTH_ISSUER"),
        description="The OAuth issuer whose tokens are taken, beside those of `FLY_MCP_AGENTS`; needs "
        "`FLY_MCP_PUBLIC_URL`. Default: none.",
    )
    oauth_jwks: str = Field(
        default="",
        validation_alias=AliasChoices("FLY_MCP_OAUTH_JWKS"),
        description="Address of the issuer's keys. Default: as the issuer's metadata says.",
    )
    oauth_scopes: str = Field(
        default="",
        validation_alias=AliasChoices("FLY_MCP_OAUTH_SCOPES"),
        description="Scopes that an OAuth token must have, with commas or blanks. Default: none.",
    )
    policy: str = Field(
        default="",
        validation_alias=AliasChoices("FLY_MCP_POLICY"),
        description="File that says what each agent may do (docs/policy.md). Without one, stdio allows everything "
        "and a network nothing.",
    )
    agent: str = Field(
        default="",
        validation_alias=AliasChoices("FLY_MCP_AGENT"),
        description="The agent of the policy that calls over stdio.",
    )
    consent_key: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("FLY_MCP_CONSENT_KEY"),
        description="Key of at least 32 characters that seals questions to humans while clients carry them; several "
        "with commas, of which the first seals. For servers that share no state directory. Default: one in the state "
        "directory.",
    )
    consent_seconds: int = Field(
        default=300,
        ge=10,
        le=600,  # whoever waits for a human holds the call's requestId, which others take over after 15 minutes
        validation_alias=AliasChoices("FLY_MCP_CONSENT_SECONDS"),
        description="Seconds for which a human's answer counts, 10 to 600. Default: 300.",
    )
    http: bool = Field(
        default=False,
        validation_alias=AliasChoices("FLY_MCP_HTTP"),
        description="`1`: serve over HTTP, for agents elsewhere, rather than over stdio.",
    )
    host: str = Field(
        default="127.0.0.1",
        validation_alias=AliasChoices("FLY_MCP_HOST"),
        description="Address to listen on over HTTP. Default: `127.0.0.1`.",
    )
    port: int = Field(
        default=8000,
        ge=0,
        le=65535,
        validation_alias=AliasChoices("FLY_MCP_PORT"),
        description="Port to listen on over HTTP; `0` takes a free one. Default: `8000`.",
    )
    allowed_hosts: str = Field(
        default="",
        validation_alias=AliasChoices("FLY_MCP_ALLOWED_HOSTS"),
        description="Names by which agents reach this server, with commas: `mcp.example.com`, or with its port. "
        "Loopback's, the one of `FLY_MCP_HOST` and that of `FLY_MCP_PUBLIC_URL` are allowed without.",
    )
    allowed_origins: str = Field(
        default="",
        validation_alias=AliasChoices("FLY_MCP_ALLOWED_ORIGINS"),
        description="Web pages whose requests are answered, with commas: `https://app.example.com`. Default: none.",
    )
    trusted_proxies: str = Field(
        default="",
        validation_alias=AliasChoices("FLY_MCP_TRUSTED_PROXIES"),
        description="Addresses or networks of proxies, with commas, whose word is taken for whom they speak. "
        "Without it, all agents behind a proxy share its address: too many wrong tokens of one keep OAuth's from all.",
    )
    no_auth: bool = Field(
        default=False,
        validation_alias=AliasChoices("FLY_MCP_NO_AUTH"),
        description="`1`: ask nobody over HTTP who they are. Whoever reaches the address is `FLY_MCP_AGENT`.",
    )
    shutdown: float = Field(
        default=30.0,
        ge=0,
        le=3600,
        validation_alias=AliasChoices("FLY_MCP_SHUTDOWN"),
        description="Seconds that running calls get over HTTP when the process is told to end. Default: `30`.",
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

    @property
    def choice(self) -> Choice:
        """Which tools are on, and what is fixed."""
        return Choice(
            toolsets=self.toolsets,
            tools=self.tools,
            exclude_tools=self.exclude_tools,
            read_only=self.read_only,
            app=self.app,
            org=self.org,
        )


#: Options that narrow what can be reached: an empty one must not widen it again.
_NARROW: Final = ("toolsets", "tools", "exclude_tools", "app", "org")


def read(said: Mapping[str, object] | None = None) -> Settings:
    """The settings of this process's environment, and what was `said` on the command line, which wins.

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
    lifted = [name for name in _NARROW if getattr(settings, name).strip() and _blank((said or {}).get(name))]
    if lifted:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in lifted)
        raise SettingsError(f"{flags}: is empty, and would lift what the environment sets. Leave it out.")
    return settings.model_copy(
        update={name: value for name, value in (said or {}).items() if value is not None}
    )


def _blank(word: object) -> bool:
    return isinstance(word, str) and not word.strip()


def rows() -> list[tuple[str, str]]:
    """Name and description of each setting, for the README."""
    table: list[tuple[str, str]] = []
    for field in Settings.model_fields.values():
        alias = field.validation_alias
        name = alias.choices[0] if isinstance(alias, AliasChoices) else alias
        table.append((str(name), field.description or ""))
    return table

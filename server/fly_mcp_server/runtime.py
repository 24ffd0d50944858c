"""From settings to a working set of tools: which Fly, which token, which client."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from fly_mcp_tools.base_url import BaseUrl, parse_base_url, parse_web_url
from fly_mcp_tools.call import Defaults
from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.chance import Random, SystemRandom
from fly_mcp_tools.client import FlyClient
from fly_mcp_tools.clock import Clock, SystemClock
from fly_mcp_tools.credentials import Credentials
from fly_mcp_tools.dispatch import FlyTools
from fly_mcp_tools.errors import NotConfigured
from fly_mcp_tools.http import Transport, asgi_transport
from fly_mcp_tools.memory import Memory
from fly_mcp_tools.selection import Selection, WrongChoice, select
from fly_mcp_tools.state.store import Store, default_directory

from .access.callers import LOCAL, NOBODY, Caller, Callers, CallersByToken, NoRights, OneCaller
from .settings import Settings, SettingsError

if TYPE_CHECKING:
    from fly_mcp_emulator import Emulator

#: What the embedded Fly is called; nothing resolves it, since nothing leaves the process.
_EMBEDDED = "http://127.0.0.1"
#: Any token is good at the emulator.
_ANY_CREDENTIALS = "emulator"
#: The image the embedded Fly brings, so that an app without machines can get its first.
EMULATOR_IMAGE = "registry-1.docker.io/flyio/hellofly:latest"


@dataclass(frozen=True)
class Runtime:
    """The tools and what they stand on.

    `callers` is who may call; `tools` and `client` are those of the one caller on stdio, and of nobody over a
    network. `clients` and `secrets` are all that there are.
    """

    callers: Callers
    tools: FlyTools
    client: FlyClient
    clients: tuple[FlyClient, ...]
    credentials: Credentials | None
    secrets: tuple[Credentials, ...]
    base_url: BaseUrl
    defaults: Defaults
    store: Store
    emulator: Emulator | None = None
    #: The agent of each OAuth subject or client id.
    bound: Mapping[str, str] = field(default_factory=dict[str, str])

    def redact(self, text: str) -> str:
        """`text` without any Fly token."""
        for one in self.secrets:
            text = one.redact(text)
        return text


def build(
    settings: Settings,
    *,
    emulator: Emulator | None = None,
    clock: Clock | None = None,
    network: bool = False,
    unasked: bool = False,
) -> Runtime:
    """Build everything, without touching the network.

    `emulator`: serve this embedded Fly; made here where the settings ask for one. `network`: for callers who say who
    they are with each request; else there is one, who started the process. `unasked`: over this network nobody is
    asked who they are, so that all are the agent that FLY_MCP_AGENT names.

    Raises:
        NotConfigured: the token, the base URL or the state directory cannot be used.
        SettingsError: the choice of tools cannot be made, or the policy cannot be used.
    """
    try:
        selection = select(settings.choice, ACTIONS)
    except WrongChoice as error:
        raise SettingsError(str(error)) from None
    ground = _ground(settings, emulator, clock or SystemClock())
    if network or settings.policy:
        return _with_policy(settings, ground, network=network, unasked=unasked)
    if ground.emulator is not None:
        credentials: Credentials | None = _any(settings)
        # Meant for the real Fly; here it may name an organisation that does not exist.
        org_slug = settings.org_slug if settings.org_slug in ground.emulator.dump().orgs else ""
    else:
        credentials = Credentials(settings.token.get_secret_value()) if settings.token else None
        org_slug = settings.org_slug
    client = ground.client(credentials)
    tools = ground.tools(client, selection, settings.org.strip() or org_slug)
    secrets = (credentials,) if credentials else ()
    return ground.runtime(OneCaller(Caller(LOCAL, tools)), tools, (client,), secrets)


@dataclass(frozen=True)
class _Ground:
    """What all callers share: the same Fly, the same store."""

    base_url: BaseUrl
    web_url: BaseUrl | None
    transport: Transport | None
    emulator: Emulator | None
    clock: Clock
    rng: Random
    defaults: Defaults
    store: Store

    def client(self, credentials: Credentials | None) -> FlyClient:
        """A client with this token."""
        return FlyClient(
            credentials=credentials,
            base_url=self.base_url,
            web_url=self.web_url,
            clock=self.clock,
            rng=self.rng,
            transport=self.transport,
        )

    def tools(
        self, client: FlyClient, selection: Selection, org_slug: str, memory: Memory | None = None
    ) -> FlyTools:
        """Tools over this client. `memory`: of the client, where others use it too."""
        return FlyTools(
            client,
            clock=self.clock,
            rng=self.rng,
            defaults=replace(self.defaults, org_slug=org_slug),
            store=self.store,
            place=self.base_url.origin,
            selection=selection,
            memory=memory,
        )

    def runtime(
        self,
        callers: Callers,
        tools: FlyTools,
        clients: tuple[FlyClient, ...],
        secrets: tuple[Credentials, ...],
        bound: Mapping[str, str] | None = None,
    ) -> Runtime:
        """All of it together."""
        return Runtime(
            callers=callers,
            tools=tools,
            client=tools.client,
            clients=clients,
            credentials=secrets[0] if secrets else None,
            secrets=secrets,
            base_url=self.base_url,
            defaults=tools.defaults,
            store=self.store,
            emulator=self.emulator,
            bound=bound or {},
        )


def _ground(settings: Settings, emulator: Emulator | None, clock: Clock) -> _Ground:
    """Which Fly, and where state is kept."""
    if settings.emulator and emulator is None:
        from fly_mcp_emulator import Emulator  # imported only where it is asked for: it costs start-up time

        emulator = Emulator()
    image, web_url, transport = settings.default_image, None, None
    if emulator is not None:
        transport = asgi_transport(emulator.app)
        base_url = parse_base_url(_EMBEDDED)
        image = image or EMULATOR_IMAGE
    else:
        base_url = parse_base_url(settings.api_hostname)
        web_url = parse_web_url(settings.web_hostname, machines=base_url)
    return _Ground(
        base_url=base_url,
        web_url=web_url,
        transport=transport,
        emulator=emulator,
        clock=clock,
        rng=SystemRandom(),
        defaults=Defaults("", image, _directory(settings)),
        store=_store(settings, embedded=emulator is not None),
    )


def _with_policy(settings: Settings, ground: _Ground, *, network: bool, unasked: bool) -> Runtime:
    """Agents with rights of their own. Over a network without a policy there are none, and nothing is allowed."""
    # Imported here: plain stdio is not to wait for it.
    from .policy.file import PolicyError, load
    from .policy.tenants import settle

    nobody = Caller(NOBODY, ground.tools(ground.client(None), Selection({}), ""), NoRights())
    if not settings.policy:
        return ground.runtime(CallersByToken({}, nobody), nobody.tools, (nobody.tools.client,), ())
    embedded = ground.emulator is not None
    policy = load(Path(settings.policy), embedded=embedded)
    if settings.agent:
        policy.agent(settings.agent, "FLY_MCP_AGENT")
    elif not network:
        raise PolicyError(
            f"FLY_MCP_AGENT is not set, and over stdio it says which agent of {settings.policy} calls: "
            f"{', '.join(policy.agents)}."
        )
    names = list(policy.agents) if network else [settings.agent]
    tenants = settle(
        policy,
        names,
        settings.choice,
        clock=ground.clock,
        environment=os.environ,
        embedded=_ANY_CREDENTIALS if embedded else "",
        network=network,
        client=ground.client,
        tools=ground.tools,
    )
    if not network:
        one = tenants.agents[settings.agent]
        return ground.runtime(OneCaller(one), one.tools, tenants.clients, tenants.credentials)
    anybody = tenants.agents[settings.agent] if unasked and settings.agent else nobody
    return ground.runtime(
        CallersByToken(tenants.agents, nobody, anybody),
        nobody.tools,
        (*tenants.clients, nobody.tools.client),
        tenants.credentials,
        policy.bound,
    )


def _store(settings: Settings, *, embedded: bool) -> Store:
    """Where state is kept. One that was asked for must be usable; the default is opened when it is needed."""
    directory = _directory(settings)
    if directory is not None:
        store = Store(directory)
        store.open()
        return store
    # The embedded Fly's world ends with the process, and so does what is known of it.
    return Store(None) if embedded else Store(default_directory(os.environ), or_memory=True)


def _directory(settings: Settings) -> Path | None:
    """The state directory that was asked for. Raises NotConfigured where it names a user who has no home."""
    if not settings.state:
        return None
    try:
        return Path(settings.state).expanduser()
    except RuntimeError:
        raise NotConfigured(
            f"FLY_MCP_STATE: there is no home directory for {settings.state}.",
            hint="Name a directory that this user may write, or leave it unset.",
        ) from None


def _any(settings: Settings) -> Credentials:
    """The operator's token, since the emulator knows some; one that cannot be a token is as good as any."""
    try:
        return Credentials(settings.token.get_secret_value() if settings.token else _ANY_CREDENTIALS)
    except NotConfigured:
        return Credentials(_ANY_CREDENTIALS)

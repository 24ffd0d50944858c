"""From settings to a working set of tools: which Fly, which token, which client."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fly_mcp_tools.base_url import BaseUrl, parse_base_url, parse_web_url
from fly_mcp_tools.call import Defaults
from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.chance import SystemRandom
from fly_mcp_tools.client import FlyClient
from fly_mcp_tools.clock import Clock, SystemClock
from fly_mcp_tools.credentials import Credentials
from fly_mcp_tools.dispatch import FlyTools
from fly_mcp_tools.errors import NotConfigured
from fly_mcp_tools.http import Transport, asgi_transport
from fly_mcp_tools.selection import WrongChoice, select
from fly_mcp_tools.state.store import Store, default_directory

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
    """The tools and what they stand on."""

    tools: FlyTools
    client: FlyClient
    credentials: Credentials | None
    base_url: BaseUrl
    defaults: Defaults
    store: Store
    emulator: Emulator | None = None


def build(settings: Settings, *, emulator: Emulator | None = None, clock: Clock | None = None) -> Runtime:
    """Build everything, without touching the network.

    `emulator`: serve this embedded Fly; made here where the settings ask for one.

    Raises:
        NotConfigured: the token, the base URL or the state directory cannot be used.
        SettingsError: the choice of tools cannot be made.
    """
    try:
        selection = select(settings.choice, ACTIONS)
    except WrongChoice as error:
        raise SettingsError(str(error)) from None
    clock = clock or SystemClock()
    transport: Transport | None = None
    web_url: BaseUrl | None = None
    if settings.emulator and emulator is None:
        from fly_mcp_emulator import Emulator  # imported only where it is asked for: it costs start-up time

        emulator = Emulator()
    if emulator is not None:
        transport = asgi_transport(emulator.app)
        base_url = parse_base_url(_EMBEDDED)
        credentials: Credentials | None = _any(settings)
        # Meant for the real Fly; here it may name an organisation that does not exist.
        org_slug = settings.org_slug if settings.org_slug in emulator.dump().orgs else ""
        image = settings.default_image or EMULATOR_IMAGE
        defaults = Defaults(settings.org.strip() or org_slug, image, _directory(settings))
    else:
        base_url = parse_base_url(settings.api_hostname)
        web_url = parse_web_url(settings.web_hostname, machines=base_url)
        credentials = Credentials(settings.token.get_secret_value()) if settings.token else None
        org_slug = settings.org.strip() or settings.org_slug
        defaults = Defaults(org_slug, settings.default_image, _directory(settings))
    rng = SystemRandom()
    client = FlyClient(
        credentials=credentials,
        base_url=base_url,
        web_url=web_url,
        clock=clock,
        rng=rng,
        transport=transport,
    )
    store = _store(settings, embedded=emulator is not None)
    tools = FlyTools(
        client,
        clock=clock,
        rng=rng,
        defaults=defaults,
        store=store,
        place=base_url.origin,
        selection=selection,
    )
    return Runtime(tools, client, credentials, base_url, defaults, store, emulator)


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

"""Where Fly's API is: two addresses, set by the operator and never by a tool's argument.

The Machines API is at one; GraphQL and the web REST, which have what it lacks, at the other. The token goes to
both, and so each is an address that the operator named, or Fly's own.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from fly_mcp_tools.errors import NotConfigured

DEFAULT_ORIGIN: Final = "https://api.machines.dev"
DEFAULT_WEB_ORIGIN: Final = "https://api.fly.io"
MACHINES_SETTING: Final = "FLY_API_HOSTNAME"
WEB_SETTING: Final = "FLY_API_BASE_URL"
_PUBLIC: Final = "api.machines.dev"
_INTERNAL: Final = "_api.internal"  # Fly's private network: WireGuard encrypts below HTTP
_UNREADABLE: Final = "is not an address that can be read"
_HOST: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?")


@dataclass(frozen=True)
class BaseUrl:
    """An origin such as `https://api.machines.dev`: scheme, host and port, with neither path nor slash."""

    origin: str

    @property
    def encrypted(self) -> bool:
        """Whether it is https; if not it is this machine itself or Fly's private network."""
        return self.origin.startswith("https://")

    @property
    def host(self) -> str:
        """Host and port, for messages."""
        return self.origin.partition("://")[2]

    @property
    def name(self) -> str:
        """The host without its port."""
        return urlsplit(self.origin).hostname or ""


def parse_base_url(text: str | None = None, *, setting: str = MACHINES_SETTING) -> BaseUrl:
    """Read the operator's address of the Machines API; `None` and blank text mean Fly's public one.

    A trailing `/`, `/v1` or `/v1/` is dropped, since Fly's docs write the address both ways. Raises
    `NotConfigured`, which names `setting` and never repeats its value (it may hold a password).
    """
    return _read(text, setting, DEFAULT_ORIGIN, ("", "/", "/v1", "/v1/")) or BaseUrl(DEFAULT_ORIGIN)


def parse_web_url(text: str | None, *, machines: BaseUrl) -> BaseUrl | None:
    """Read the operator's address of GraphQL and the web REST; `None` and blank text: the one beside `machines`.

    Raises `NotConfigured` as `parse_base_url` does.
    """
    return _read(text, WEB_SETTING, DEFAULT_WEB_ORIGIN, ("", "/")) or web_beside(machines)


def web_beside(machines: BaseUrl) -> BaseUrl | None:
    """Where the web calls go when the operator named the Machines API alone; `None`: nowhere.

    Beside Fly's own addresses that is Fly's own. Beside this machine it is the same origin: an emulator answers
    both at one port, and what the operator pointed away from Fly must not reach Fly by a second way. Any other
    host may be a gateway with a token of its own, which is not Fly's to see: the operator has to say.
    """
    if machines.name in (_PUBLIC, _INTERNAL):
        return BaseUrl(DEFAULT_WEB_ORIGIN)
    return machines if _is_loopback(machines.name) else None


def no_web_url(machines: BaseUrl) -> NotConfigured:
    """The error for a web call while nobody said where it goes."""
    return NotConfigured(
        f"This needs Fly's GraphQL or web API. {MACHINES_SETTING} is set to {machines.host} and {WEB_SETTING} to "
        "nothing, and the token is sent to no host that was not named. Nothing was sent.",
        hint=f"Set {WEB_SETTING} to the address of that API ({DEFAULT_WEB_ORIGIN} is Fly's), and restart the server.",
    )


def _read(text: str | None, setting: str, example: str, paths: tuple[str, ...]) -> BaseUrl | None:
    """The operator's address; `None` where there is none."""
    text = (text or "").strip()
    if not text:
        return None
    try:
        return _parse(text, paths)
    except ValueError as error:
        raise NotConfigured(
            f"{setting} {error}. Nothing was sent to Fly.",
            hint=f"Leave {setting} unset for Fly's public API, or write it as {example}. Plain "
            f"http:// is accepted for this machine itself and for http://{_INTERNAL}:4280.",
        ) from None


def _parse(text: str, paths: tuple[str, ...]) -> BaseUrl:
    """The address in `text`. Raises `ValueError` with a clause that says what is wrong with it."""
    if not text.isascii() or not text.isprintable() or any(c in text for c in ' \\%"<>^`{|}'):
        raise ValueError("holds characters that do not belong in an address")
    if "://" not in text:
        raise ValueError("has no scheme: write https:// in front of the host")
    if "?" in text or "#" in text:
        raise ValueError("must not have a query or a fragment")
    parts = _split(text)
    if "@" in parts.netloc:
        raise ValueError("must not hold a user name or a password: the token goes into FLY_API_TOKEN")
    if parts.path not in paths:
        other = " (other than /v1)" if "/v1" in paths else ""
        raise ValueError(f"must not have a path{other}: Fly's API lives at the root of its host")
    host, authority = _authority(parts)
    if parts.scheme == "http":
        if not (_is_loopback(host) or host == _INTERNAL):
            raise ValueError("would send the token unencrypted: write https://")
    elif parts.scheme != "https":
        raise ValueError("must start with https://")
    return BaseUrl(f"{parts.scheme}://{authority}")


def _split(text: str) -> SplitResult:
    """The parts of `text`, each of them readable; the library's own words may repeat the value."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise ValueError(_UNREADABLE) from None
    return parts


def _authority(parts: SplitResult) -> tuple[str, str]:
    """The bare host, and `host:port` as it is written in an address."""
    host, port = _host(parts), parts.port
    if host is None or port == 0 or parts.netloc.endswith(":"):
        raise ValueError(_UNREADABLE)
    shown = f"[{host}]" if ":" in host else host
    return host, (shown if port is None else f"{shown}:{port}")


def _host(parts: SplitResult) -> str | None:
    """The host, lower case and without brackets; `None` if it is none."""
    host = parts.hostname
    if not host:
        return None
    if ":" in host:
        try:
            return str(ipaddress.IPv6Address(host))
        except ValueError:
            return None
    return host if _HOST.fullmatch(host) and ".." not in host else None


def _is_loopback(host: str) -> bool:
    """Whether `host` is this machine by definition: no name is looked up."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address in _LOOPBACK_4 if isinstance(address, ipaddress.IPv4Address) else address == _LOOPBACK_6


_LOOPBACK_4: Final = ipaddress.IPv4Network("127.0.0.0/8")
_LOOPBACK_6: Final = ipaddress.IPv6Address("::1")

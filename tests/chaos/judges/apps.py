"""What answers claim of apps, their secrets, keys, addresses and host names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import ip_address

from tests.chaos.history import History
from tests.chaos.lives import AppLife, Things, Timeline
from tests.chaos.model import Json, Told

from .common import Judge, since


def created(told: Told, history: History) -> Iterator[str]:
    """An app is there, made by this call's intent, in its network."""
    asked = told.intent.asked
    lives = history.lives(asked.app)
    if not any(life.there(since(told), told.ended) for life in lives):
        yield f"app {asked.app} was not there"
        return
    ours = [life for life in lives if life.by is not None and life.by.intent is told.intent]
    if not ours:
        yield f"app {asked.app} was made by somebody else"
    network = asked.arguments.get("network")
    if network and ours and network not in [life.app.network for life in ours]:
        yield f"app {asked.app} is in network {ours[0].app.network}, not {network}"


def deleted(told: Told, history: History) -> Iterator[str]:
    """An app is gone."""
    lives = history.lives(told.intent.asked.app)
    if not all(life.missing(since(told), told.ended) for life in lives):
        yield f"app {told.intent.asked.app} was there all the time"


def secrets_changed(told: Told, history: History) -> Iterator[str]:
    """Secrets are as they were set, and so they came to the machines that are named."""
    asked = told.intent.asked
    life = history.apps[asked.app]
    for name, value in asked.secrets.items():
        line = life.secrets.get(name)
        values = line.within(since(told), told.ended) if line else [None]
        if value not in values:
            yield f"secret {name} was never as it is said to be"
    rows: list[Json] = told.content.get("machines") or []
    for row in rows:
        machine = history.machines.get(str(row["id"]))
        if row["outcome"] != "done" or machine is None:
            continue
        stored = {name: _from(life.secrets.get(name), value, told) for name, value in asked.secrets.items()}
        beings = machine.beings.within(since(told), told.ended)
        if not any(all(one.secrets.get(name) in stored[name] for name in stored) for one in beings):
            yield f"machine {machine.id} never had the secrets it is said to have"


def _from(line: Timeline[str | None] | None, value: str | None, told: Told) -> list[str | None]:
    """This value and those after it: where somebody else changes a secret next, the machine may have theirs."""
    if line is None:
        return [None]
    values = line.within(since(told), told.ended)
    return values[values.index(value) :] if value in values else []


def key_generated(told: Told, history: History) -> Iterator[str]:
    """A key of this type is there, and is this intent's."""
    name, life = told.content.get("name"), history.apps[told.intent.asked.app]
    types = [type_ for type_, _ in life.keys.values(str(name), since(told), told.ended)]
    if told.intent.asked.arguments["type"] not in types:
        yield f"secret key {name} of that type was never there"
    elif name not in [one.key for one in life.keys.made_by(told.intent)]:
        yield f"secret key {name} was made by somebody else"


def ip_allocated(told: Told, history: History) -> Iterator[str]:
    """The address is there; one that is not shared is this intent's."""
    ip, life = str(told.content.get("ip")), history.apps[told.intent.asked.app]
    if not life.ips.values(ip, since(told), told.ended):
        yield f"address {ip} was never there"
    elif told.content.get("type") != "shared_v4" and ip not in [
        one.key for one in life.ips.made_by(told.intent)
    ]:
        yield f"address {ip} was allocated by somebody else"


def certificate_requested(told: Told, history: History) -> Iterator[str]:
    """Fly's own certificate is asked for."""
    life, name = history.apps[told.intent.asked.app], str(told.content.get("hostname"))
    if True not in life.certificates.values(name, since(told), told.ended):
        yield f"no certificate for {name} was asked for"


def certificate_removed(told: Told, history: History) -> Iterator[str]:
    """The host name is gone, or only Fly's own certificate of it."""
    life, name = history.apps[told.intent.asked.app], str(told.content.get("hostname"))
    kept = life.certificates.values(name, since(told), told.ended)
    only_ours = told.intent.asked.arguments.get("keepCustom") and False in kept
    if not only_ours and not life.certificates.missing(name, since(told), told.ended):
        yield f"host name {name} was there all the time"


def ip_released(told: Told, history: History) -> Iterator[str]:
    """The address is gone."""
    yield from _gone(told, history.apps[told.intent.asked.app].ips, "ip")


def key_deleted(told: Told, history: History) -> Iterator[str]:
    """The key is gone."""
    yield from _gone(told, history.apps[told.intent.asked.app].keys, "name")


def _gone(told: Told, things: Things[bool] | Things[tuple[str, str]], what: str) -> Iterator[str]:
    key = str(told.content.get(what))
    if not things.missing(key, since(told), told.ended):
        yield f"{what} {key} was there all the time"


def listed(rows: str, key: str, of: Callable[[AppLife], Things[bool] | Things[tuple[str, str]]]) -> Judge:
    """What a list shows was there. What it leaves out may be on another page."""

    def judge(told: Told, history: History) -> Iterator[str]:
        things = of(history.apps[told.arguments["appName"]])
        for row in told.content[rows]:
            name = _plain(str(row[key]))
            shown = [one for one in things.all if _plain(one.key) == name]
            if not any(one.values(told.began, told.ended) for one in shown):
                yield f"{name} is listed, and was not there"

    return judge


def _plain(text: str) -> str:
    """An address in the one way of writing it."""
    try:
        return str(ip_address(text))
    except ValueError:
        return text

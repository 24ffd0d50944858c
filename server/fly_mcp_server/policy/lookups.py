"""What a guard has to know of Fly: whose an app is, and what is in it. Read with the agent's own token, and kept.

What is kept is bounded. An app's organisation is believed for some minutes; that a machine, volume or snapshot is an
app's never changes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final, TypeVar

import anyio
from pydantic import JsonValue

from fly_mcp_tools import endpoints as fly
from fly_mcp_tools.call import Witness
from fly_mcp_tools.client import FlyClient
from fly_mcp_tools.clock import Clock
from fly_mcp_tools.decode import Answer
from fly_mcp_tools.endpoint import Endpoint
from fly_mcp_tools.errors import FlyError
from fly_mcp_tools.wire import obj, objects

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")

#: Seconds for which an app's organisation is believed.
BELIEVED: Final = 300.0
#: Things remembered at most, of each kind.
_MOST: Final = 5000
#: Volumes of an app that are searched for a snapshot.
_SEARCHED: Final = 50


class Lookups:
    """One for each Fly token: what one token sees, another may not."""

    def __init__(self, client: FlyClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._orgs: OrderedDict[str, tuple[str, float]] = OrderedDict()
        self._asking: dict[str, anyio.Event] = {}
        self._inside: OrderedDict[tuple[str, str], None] = OrderedDict()

    async def org_of(self, app: str, witness: Witness) -> str:
        """The slug of the organisation that the app is of.

        Raises:
            NotFound: the token sees no such app.
            FlyError: Fly did not tell.
        """
        while True:
            known = self._orgs.get(app)
            if known is not None and self._clock.monotonic() - known[1] < BELIEVED:
                return known[0]
            asking = self._asking.get(app)
            if asking is None:
                break
            await asking.wait()  # many agents at once are one question: Fly allows one a second
        self._orgs.pop(app, None)
        self._asking[app] = anyio.Event()
        try:
            return _slug(await self._read(fly.GET_APP, {"app_name": app}, witness), app)
        finally:
            self._asking.pop(app).set()

    def is_inside(self, app: str, thing: str) -> bool:
        """Whether a thing is known to be the app's."""
        return (app, thing) in self._inside

    async def machine(self, app: str, machine_id: str, witness: Witness) -> None:
        """Make sure that the app has the machine. Raises NotFound where it has not."""
        if not self.is_inside(app, machine_id):
            await self._read(fly.GET_MACHINE, {"app_name": app, "machine_id": machine_id}, witness)

    async def volume(self, app: str, volume_id: str, witness: Witness) -> None:
        """Make sure that the app has the volume. Raises NotFound where it has not."""
        if not self.is_inside(app, volume_id):
            await self._read(fly.GET_VOLUME, {"app_name": app, "volume_id": volume_id}, witness)

    async def has_snapshot(self, app: str, snapshot_id: str, witness: Witness) -> bool:
        """Whether a volume of the app has the snapshot. Fly has no call that says whose a snapshot is."""
        if self.is_inside(app, snapshot_id):
            return True
        listed = await self._read(fly.LIST_VOLUMES, {"app_name": app}, witness)
        for volume in objects(listed.data)[:_SEARCHED]:
            ids = {"app_name": app, "volume_id": str(volume.get("id"))}
            await self._read(fly.LIST_SNAPSHOTS, ids, witness)
            if self.is_inside(app, snapshot_id):
                return True
        return False

    def learn(self, endpoint: Endpoint, ids: Mapping[str, str], came: Answer | FlyError | None) -> None:
        """Remember what an answer proves: what is found under an app's path is the app's."""
        app = ids.get("app_name")
        if app is None or not isinstance(came, Answer):
            return
        if endpoint == fly.GET_APP:
            _keep(self._orgs, app, (_slug(came, app), self._clock.monotonic()))
        if endpoint == fly.DELETE_APP:
            self._orgs.pop(app, None)  # the name is free: whoever takes it next may be somebody else
        found = [ids[name] for name in ("machine_id", "volume_id") if name in ids]
        if endpoint in (fly.LIST_MACHINES, fly.LIST_VOLUMES, fly.LIST_SNAPSHOTS):
            found += [str(one.get("id")) for one in objects(came.data)]
        if endpoint in (fly.CREATE_MACHINE, fly.CREATE_VOLUME):
            found.append(str(obj(came.data).get("id")))
        if endpoint == fly.CREATE_SNAPSHOT:
            found += _ids(came.data)
        for thing in found:
            _keep(self._inside, (app, thing), None)

    async def _read(self, endpoint: Endpoint, ids: Mapping[str, str], witness: Witness) -> Answer:
        came: Answer | FlyError | None = None
        try:
            came = answer = await self._client.call(endpoint, ids, interactive=True)
        except FlyError as error:
            came = error
            raise
        finally:
            witness(endpoint, ids, came)
            self.learn(endpoint, ids, came)
        return answer


def _slug(answer: Answer, app: str) -> str:
    """Whose the app is; nobody's where Fly knows it by another name, such as by its id: rules are about names."""
    found = obj(answer.data)
    return str(obj(found.get("organization")).get("slug") or "") if found.get("name") == app else ""


def _ids(data: JsonValue) -> list[str]:
    """The id of a snapshot that was just asked for; Fly wraps it (reference 4.6)."""
    inner = obj(obj(obj(data).get("Msg")).get("backup"))
    return [str(one["id"]) for one in (inner, obj(data)) if one.get("id")]


def _keep(kept: OrderedDict[KeyT, ValueT], key: KeyT, value: ValueT) -> None:
    kept.pop(key, None)
    kept[key] = value
    while len(kept) > _MOST:
        kept.popitem(last=False)

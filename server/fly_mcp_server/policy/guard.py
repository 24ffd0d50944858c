"""The guard of one agent: before each call its own rules, before each request the same again, held against Fly.

A composite cannot go around it: it stands where requests leave. What it asks Fly are reads, with the agent's token.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pydantic import JsonValue

from fly_mcp_tools import endpoints as fly
from fly_mcp_tools.action import Access, AnyAction
from fly_mcp_tools.call import Query, Witness
from fly_mcp_tools.decode import Answer
from fly_mcp_tools.endpoint import Endpoint
from fly_mcp_tools.errors import FlyError, NotFound
from fly_mcp_tools.models import Params
from fly_mcp_tools.selection import APP, ORG
from fly_mcp_tools.wire import obj, objects

from . import references
from .decision import Decision, Effect, NotAllowed
from .lookups import Lookups
from .rights import Rights

#: What a call of each class may send. Leases and the like are writes that a destruction needs too.
_SENDS: Final[Mapping[Access, frozenset[Access]]] = {
    Access.READ: frozenset({Access.READ}),
    Access.WRITE: frozenset({Access.READ, Access.WRITE}),
    Access.EXEC: frozenset({Access.READ, Access.EXEC}),
    Access.DESTRUCTIVE: frozenset({Access.READ, Access.WRITE, Access.DESTRUCTIVE}),
}
#: About no app and no organisation: what Fly offers, and what the token is.
_ABOUT_NOTHING: Final = ("/v1/platform/", "/v1/tokens/")
#: Where a request without an app in its path says which organisation it is about.
_OVER_AN_ORG: Final = frozenset({fly.LIST_APPS, fly.CREATE_APP, fly.LIST_ORG_MACHINES, fly.LIST_ORG_VOLUMES})
#: Things of which nobody can tell whose they are.
_NOBODYS: Final[Mapping[references.Kind, str]] = {
    "image": "it names an image in no form that registries have (HOST/NAME:TAG), so nobody can tell whose it is.",
    "bucket": "it names a bucket (tigris_bucket), and Fly has no call that says whose it is.",
}
_WHO_DECIDES: Final = "The operator of this server decides what is allowed, in its policy."


class Guard:
    """What `rights` allow, among `actions`: those that the agent sees."""

    def __init__(self, rights: Rights, lookups: Lookups, actions: Mapping[str, AnyAction]) -> None:
        self.rights = rights
        self.lookups = lookups
        self._actions = actions

    def admit(self, action: AnyAction, params: Params) -> Decision:
        """Allow the call, or say that a human has to be asked.

        Raises:
            NotAllowed: neither; nothing was sent.
        """
        app = app_of(params)
        decision = self.rights.decide(action, app)
        if decision.effect is Effect.DENY:
            raise self.refusal(action, app, decision)
        return decision

    def watch(self, action: AnyAction, params: Params, witness: Witness) -> Watch:
        """What stands before each request of this call."""
        return Watch(self, action, params, witness)

    def refusal(self, action: AnyAction, app: str | None, decision: Decision) -> NotAllowed:
        """The refusal of a call, with what the agent may do instead."""
        on = f" on {app}" if app is not None else ""
        group = [one for one in self._actions.values() if one.group is action.group]
        instead = self.rights.instead(app, group) if group else ""
        if app is not None and "What you may use" not in instead:
            instead = self.rights.instead(app, self._actions.values())
        return NotAllowed(
            f"{action.name}{on} was not run: {decision.why[:1].lower()}{decision.why[1:]} Nothing was sent.",
            hint=f"{instead} {_WHO_DECIDES}".strip(),
            decision=decision,
        )


class Watch:
    """One call under guard. What was found good stays so while it runs: no lease is left because of a later look."""

    def __init__(self, guard: Guard, action: AnyAction, params: Params, witness: Witness) -> None:
        self._guard = guard
        self._action = action
        self._app = app_of(params)
        self._params = params
        self._witness = witness
        self._ours: set[str] = set()
        self._missing: set[str] = set()
        self._references = references.of(params)
        self._looked = False

    async def begin(self) -> None:
        """Before the action itself, and before a human is asked: the app, and what can be named beside it.

        Raises:
            NotAllowed: it is not for this agent; nothing was sent but reads.
            FlyError: Fly did not tell.
        """
        if self._app is not None:
            try:
                await self._is_ours(self._app)
            except NotFound:
                return  # the action itself says so, in better words
        await self._look()

    async def before(
        self, endpoint: Endpoint, ids: Mapping[str, str], *, query: Query | None, body: JsonValue
    ) -> None:
        """Let a request leave, by returning.

        Raises:
            NotAllowed: it is not for this agent; nothing was sent for it but reads.
            NotFound: Fly has no such app, machine or volume for this agent's token.
            FlyError: Fly did not tell.
        """
        if _class(endpoint) not in _SENDS[self._action.access]:
            raise self._no(f"it would send {endpoint.name}, which {self._action.access} does not cover.")
        app = ids.get(APP) or _app_in(endpoint, body)
        if app is None or endpoint == fly.CREATE_APP:
            self._is_over_our_org(endpoint, ids, query, obj(body))
        if app is None:
            return
        if app != self._app:
            self._is_of_the_call(endpoint, app)
        makes = endpoint == fly.CREATE_APP
        if app in self._missing and (makes or not endpoint.writes):
            return
        try:
            await self._is_ours(app)
        except NotFound:
            if endpoint.writes and not makes:
                raise
            return  # Fly says so to the request itself
        if endpoint.writes:
            await self._look()
            await self._look_inside(app, ids)

    def saw(self, endpoint: Endpoint, ids: Mapping[str, str], came: Answer | FlyError | None) -> None:
        """Learn from what came of a request: it need not be asked for again."""
        self._guard.lookups.learn(endpoint, ids, came)
        if endpoint == fly.LIST_APPS and isinstance(came, Answer):
            # It was asked for those of the agent's organisation alone.
            self._ours.update(str(one.get("name")) for one in objects(obj(came.data).get("apps")))
        if endpoint == fly.CREATE_APP and isinstance(came, Answer) and self._app is not None:
            self._ours.add(self._app)

    def _is_of_the_call(self, endpoint: Endpoint, app: str) -> None:
        """Hold an app that the call does not name against the rules."""
        if self._app is None and not endpoint.writes:
            return  # over an organisation: that was decided, and whose the app is comes next
        decision = self._guard.rights.decide(self._action, app)
        if decision.effect is not Effect.ALLOW:
            raise self._guard.refusal(self._action, app, decision)

    async def _is_ours(self, app: str) -> None:
        """Make sure that the app is of the agent's organisation. Raises NotFound where there is none."""
        if app in self._ours:
            return
        try:
            org = await self._guard.lookups.org_of(app, self._witness)
        except NotFound:
            self._missing.add(app)
            raise
        self._missing.discard(app)
        if org != self._guard.rights.org:
            raise self._no(
                f"the app {app} is not of the organisation {self._guard.rights.org}, to which "
                f"{self._guard.rights.agent} is bound."
            )
        self._ours.add(app)

    def _is_over_our_org(
        self, endpoint: Endpoint, ids: Mapping[str, str], query: Query | None, body: Mapping[str, JsonValue]
    ) -> None:
        """A request that names no app: it has to name the agent's organisation, or be about none."""
        named = [one for one in (ids.get(ORG), (query or {}).get(ORG), body.get(ORG)) if one is not None]
        if any(one != self._guard.rights.org for one in named):
            raise self._no("another organisation was named.")
        if endpoint in _OVER_AN_ORG and named:
            return
        if endpoint.path.startswith(_ABOUT_NOTHING):
            return
        raise self._no(f"{endpoint.name} reaches beyond one organisation.")

    async def _look(self) -> None:
        """Hold what was named beside the app against the app, once."""
        if self._looked or self._app is None:
            return
        for one in self._references:
            if one.kind == "app" and one.id != self._app:
                await self._is_image_of_ours(one.id)
            if one.kind == "snapshot":
                await self._has_snapshot(self._app, one.id)
            if one.kind in _NOBODYS:
                raise self._no(_NOBODYS[one.kind])
        self._looked = True

    async def _look_inside(self, app: str, ids: Mapping[str, str]) -> None:
        """Before a write: machines and volumes that it is about, or that were named, are the app's.

        Most were read before, under the same app, and cost nothing here.
        """
        machines = {one.id for one in self._references if one.kind == "machine"}
        volumes = {one.id for one in self._references if one.kind == "volume"}
        for machine in sorted(machines | {ids["machine_id"]} if "machine_id" in ids else machines):
            await self._guard.lookups.machine(app, machine, self._witness)
        for volume in sorted(volumes | {ids["volume_id"]} if "volume_id" in ids else volumes):
            await self._guard.lookups.volume(app, volume, self._witness)

    async def _is_image_of_ours(self, app: str) -> None:
        """An image in Fly's registry is what another app runs: that app has to be allowed too."""
        decision = self._guard.rights.decide(self._action, app)
        if decision.effect is not Effect.ALLOW:
            raise self._no(f"the image is that of the app {app}, for which it is not allowed.")
        try:
            await self._is_ours(app)
        except NotFound:
            raise self._no(f"the image is that of the app {app}, which this agent does not see.") from None

    async def _has_snapshot(self, app: str, snapshot_id: str) -> None:
        if not await self._guard.lookups.has_snapshot(app, snapshot_id, self._witness):
            raise NotAllowed(
                f"{self._action.name} was not run: no volume of {app} is known to have the snapshot {snapshot_id}. "
                "Nothing was changed.",
                hint="flyListSnapshots with the volume it was taken of, which may be a deleted one, shows whose it is; "
                "then repeat the call.",
                decision=self._denied(f"The snapshot is not known to be of {app}."),
            )

    def _no(self, why: str) -> NotAllowed:
        on = f" on {self._app}" if self._app is not None else ""
        return NotAllowed(
            f"{self._action.name}{on} was not run: {why} Nothing of it was sent.",
            hint=f"Stay with the apps of {self._guard.rights.org} that are allowed for you. {_WHO_DECIDES}",
            decision=self._denied(why[:1].upper() + why[1:]),
        )

    def _denied(self, why: str) -> Decision:
        return Decision(Effect.DENY, "", why)


def app_of(params: Params) -> str | None:
    """The app that a call names."""
    app = getattr(params, APP, None)
    return app if isinstance(app, str) else None


def _app_in(endpoint: Endpoint, body: JsonValue) -> str | None:
    """The app that a request names in its body: where it is made, and in GraphQL."""
    if endpoint == fly.CREATE_APP:
        return str(obj(body).get(APP))
    if endpoint == fly.LAST_RELEASE:
        return str(obj(obj(body).get("variables")).get("name"))
    return None


def _class(endpoint: Endpoint) -> Access:
    if endpoint.executes:
        return Access.EXEC
    if endpoint.destroys:
        return Access.DESTRUCTIVE
    return Access.WRITE if endpoint.writes else Access.READ

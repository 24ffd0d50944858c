"""`fly-mcp check`: would an agent get anywhere, and if not, what is wrong, in plain words.

The order is that of a person looking for the mistake: the settings, the way to Fly, the token, the
organisation, and last the second address, without which only organisations and logs are missing. It reads only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import anyio
import click

from fly_mcp_tools import endpoints as fly
from fly_mcp_tools.action import AnyAction
from fly_mcp_tools.api import apps, orgs
from fly_mcp_tools.call import Call
from fly_mcp_tools.catalogue.apps import LIST_APPS
from fly_mcp_tools.catalogue.orgs import LIST_ORGS
from fly_mcp_tools.chance import SystemRandom
from fly_mcp_tools.clock import SystemClock
from fly_mcp_tools.composites.apps import organisation
from fly_mcp_tools.errors import Code, FlyError, NotConfigured, NotSent, RefusedByFly
from fly_mcp_tools.foreign import clean
from fly_mcp_tools.state.journal import Journal
from fly_mcp_tools.state.store import Store
from fly_mcp_tools.state.undo import Undo
from fly_mcp_tools.wire import JsonObject, obj, objects

from .runtime import Runtime, build
from .settings import SettingsError, read

_ADDRESS = "Look whether FLY_API_HOSTNAME names Fly's Machines API, and at a proxy on the way."


@dataclass
class _Report:
    """Prints each step as it is known; remembers whether one failed."""

    say: Callable[[str], None]
    failed: bool = False

    def good(self, step: str, words: str) -> None:
        self.say(f"  ok    {step:<13} {words}")

    def bad(self, step: str, words: str, hint: str = "") -> None:
        self.failed = True
        self._tell("FAIL", step, words, hint)

    def missing(self, step: str, words: str, hint: str) -> None:
        """Something is not there, and an agent gets through without it."""
        self._tell("note", step, words, hint)

    def _tell(self, word: str, step: str, words: str, hint: str) -> None:
        self.say(f"  {word:<4}  {step:<13} {words}")
        if hint:
            self.say(f"        {'':<13} {hint}")


def run(emulator: bool) -> int:
    """Check and print; 0 where an agent would get through, 1 where not."""
    report = _Report(click.echo)
    try:
        settings = read()
        runtime = build(settings.model_copy(update={"emulator": emulator or settings.emulator}))
    except SettingsError as error:
        report.bad("settings", str(error))
    except NotConfigured as error:
        report.bad("settings", error.message, error.hint)
    else:
        anyio.run(_check, runtime, settings.org_slug, report)
    click.echo("An agent would not get through." if report.failed else "Ready.")
    return 1 if report.failed else 0


async def _check(runtime: Runtime, org_slug: str, report: _Report) -> None:
    # The row of flyListApps: what it may send is what is looked at here.
    call = _call(LIST_APPS, runtime)
    try:
        if runtime.emulator is not None:
            report.good("address", "the embedded emulator; nothing leaves this process")
        if runtime.credentials is None:
            report.bad(
                "token", "there is none.", "Set FLY_API_TOKEN: fly tokens create org, or deploy -a APP."
            )
        elif await _token(call, runtime, report):
            await _organisation(call, org_slug, report)
            await _web(_call(LIST_ORGS, runtime), report)
    finally:
        await runtime.client.aclose()


def _call(action: AnyAction, runtime: Runtime) -> Call:
    return Call(
        action=action,
        client=runtime.client,
        clock=SystemClock(),
        rng=SystemRandom(),
        journal=Journal(b""),  # it creates nothing
        undo=Undo(Store(None), SystemClock()),
        defaults=runtime.defaults,
    )


async def _token(call: Call, runtime: Runtime, report: _Report) -> bool:
    host = runtime.base_url.host if runtime.emulator is None else "the emulator"
    try:
        answer = await call.send(fly.CURRENT_TOKEN, {})
    except NotSent as error:
        report.bad("reachability", error.message, error.hint)
        return False
    except RefusedByFly as error:
        if error.request_id is None:  # which Fly gives each answer
            report.bad("reachability", f"{host} answers {error.status}, and not as Fly does.", _ADDRESS)
            return False
        report.good("reachability", f"{host} answers")
        if error.code in (Code.UNAUTHENTICATED, Code.FORBIDDEN):
            report.bad("token", error.message, error.hint)
            return False
        report.good("token", "Fly does not say what it is for")
        return True
    except FlyError as error:
        report.bad("reachability", error.message, _ADDRESS)
        return False
    report.good("reachability", f"{host} answers")
    for row in objects(obj(answer.data).get("tokens")):
        report.good("token", _words(row))
    return True


def _words(row: JsonObject) -> str:
    names = row.get("apps")
    apps_of = [clean(str(name)) for name in names] if isinstance(names, list) else []
    scope = "all apps" if apps_of in ([], ["*"]) else f"apps {', '.join(apps_of)}"
    return (
        f"for organisation {clean(str(row.get('org_slug') or row.get('organization') or 'unknown'))}, {scope}"
    )


async def _organisation(call: Call, org_slug: str, report: _Report) -> None:
    try:
        org = await organisation(call, None)
        found = await apps.list_of(call, org)
    except FlyError as error:
        if error.code in (Code.FORBIDDEN, Code.NOT_FOUND) and not org_slug:
            # A deploy token sees its app and not the organisation's list; that is no mistake.
            report.good("organisation", "this token may not list its apps; name them in calls")
            return
        named = f"{clean(org_slug)}: " if org_slug else ""
        report.bad("organisation", named + error.message, error.hint)
        return
    report.good("organisation", f"{org} has {len(found)} app{'' if len(found) == 1 else 's'}")


async def _web(call: Call, report: _Report) -> None:
    """The second address, for organisations and logs."""
    try:
        await orgs.list_of(call)
    except FlyError as error:
        if error.code in (Code.FORBIDDEN, Code.UNAUTHENTICATED) and error.status == 200:
            report.good("web", "answers; this token may not list organisations")
        else:
            report.missing("web", f"no organisations and no logs: {error.message}", error.hint)
        return
    report.good("web", "answers")

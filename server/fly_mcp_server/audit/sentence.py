"""An event in plain English, from the words of the action table: there is no second list of what actions do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fly_mcp_tools.action import AnyAction
from fly_mcp_tools.describe import principal
from fly_mcp_tools.endpoint import Endpoint

#: Ids that name the thing itself, in the order in which they are named: the first that is there, of the last.
_THINGS: Final[Mapping[str, str]] = {
    "machine_id": "machine",
    "volume_id": "volume",
    "hostname": "host name",
    "ip": "address",
}


def deed(action: AnyAction, ids: Mapping[str, str]) -> str:
    """What was asked for, as an imperative: "restart machine 7846e45f27e218 of catvet-records"."""
    thing = next((name for name in _THINGS if name in ids), None)
    changing = {endpoint for endpoint in action.calls if action.counts(endpoint)}
    # Where one call is the whole of it, its words are the most exact; a composite is more than any of its calls.
    if len(changing) == 1 or action.run is None:
        says = principal(action).says
        known = [name for name in (thing, "app_name") if name in ids]
        if all(f"{{{name}}}" in says for name in known) and set(principal(action).placeholders) <= ids.keys():
            return says.format_map(ids)
    title = action.title[:1].lower() + action.title[1:]
    words = _THINGS.get(thing or "app_name", "app")
    name = ids.get(thing or "app_name", "")
    owner = ids.get("app_name", "") if thing else ""
    if not name and "org_slug" in ids:
        words, name = "organisation", ids["org_slug"]
    if not name:
        return title
    # "restart machine" names the thing already; "get memory" does not.
    named = f"{title} {name}" if title.endswith(words) else f"{title} of {words} {name}"
    return f"{named} of {owner}" if owner else named


def request(endpoint: Endpoint, ids: Mapping[str, str]) -> str:
    """One request in its own words; ids that must not be shown are left unnamed."""
    shown = {name: ids.get(name, "(not shown)") for name in endpoint.placeholders}
    return endpoint.says.format_map(shown)


def seconds(ms: int) -> str:
    """A duration for people."""
    return f"{ms} ms" if ms < 1000 else f"{ms / 1000:.1f} s"


#: How much was changed, where the outcome does not say it.
_CHANGED: Final[Mapping[str, str]] = {
    "nothing": ", nothing was changed",
    "something": ", something was changed",
    "unknown": ", what was changed is unknown",
}


def ended(
    caller: str,
    what: str,
    *,
    outcome: str,
    code: str,
    changed: str,
    writes: bool,
    ms: int,
    by: str,
) -> str:
    """The whole of a call."""
    expected = "something" if outcome in ("done", "pending") else ""
    after = _CHANGED[changed] if writes and changed != expected else ""
    how = f"{outcome} ({code})" if code else outcome
    return f"{caller} asked to {what}: {how} in {seconds(ms)}{after}; {by}."

"""A change of a config as JSON: merged deep, null removes, lists are replaced (RFC 7396).

And the other way round: whether a config that Fly shows is as a change would have it. Fly writes some things its own
way: what is empty it leaves out, durations and autostop it spells anew, and of a volume it fills in what was not said.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final, TypeAlias

from pydantic import JsonValue

from .wire import JsonObject, obj

Place: TypeAlias = tuple[str, ...]

_DURATION: Final = re.compile(r"(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h)")
_PARTS: Final = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_SECONDS: Final = {
    "ns": Fraction(1, 10**9), "us": Fraction(1, 10**6), "µs": Fraction(1, 10**6), "μs": Fraction(1, 10**6),
    "ms": Fraction(1, 1000), "s": Fraction(1), "m": Fraction(60), "h": Fraction(3600),
}  # fmt: skip
#: Keys whose values are durations.
_DURATIONS: Final = frozenset({"interval", "timeout", "grace_period"})
#: Keys whose values are maps of text: what stands in them is the caller's, letter by letter.
_MAPS: Final = frozenset({"env", "metadata"})
#: What answers have of the volume that is mounted, whoever asked for the mount (reference 3.3).
_FILLED_IN: Final = {"mounts": frozenset({"name", "size_gb", "encrypted"})}
_NOTHING: Final[frozenset[str]] = frozenset()


def merged(config: JsonObject, patch: JsonObject) -> JsonObject:
    """A new config with the patch in it."""
    new = dict(config)
    for key, value in patch.items():
        if value is None:
            new.pop(key, None)
        elif isinstance(value, dict):
            new[key] = merged(obj(new.get(key)), value)
        else:
            new[key] = _without_nulls(value)
    return new


def leaves(patch: JsonObject, at: Place = ()) -> dict[Place, JsonValue]:
    """What a patch asks for, place by place: a list is one, and so is an empty object."""
    found: dict[Place, JsonValue] = {}
    for key, value in patch.items():
        if isinstance(value, dict) and value:
            found |= leaves(value, (*at, key))
        else:
            found[(*at, key)] = value
    return found


def at(config: JsonObject, place: Place) -> JsonValue:
    """What a config has there; None where it has nothing."""
    value: JsonValue = config
    for key in place:
        value = obj(value).get(key)
    return value


def named(place: Place) -> str:
    """A place as a person writes it."""
    return ".".join(f'"{key}"' if "." in key or not key else key for key in place)


def has(config: JsonObject, place: Place, wanted: JsonValue) -> bool:
    """Whether a config, as Fly shows it, is what merging what was wanted there would make of it."""
    now = at(config, place)
    if _MAPS & set(place[:-1]):
        return wanted == now
    if wanted == {} and isinstance(wanted, dict):
        return isinstance(now, dict) or _is_empty(now)  # merged, it takes nothing away
    return holds(wanted, now, place[-1])


def holds(wanted: JsonValue, now: JsonValue, key: str = "") -> bool:
    """Whether `now`, as Fly shows it, is what was wanted: no less, and no more but what Fly fills in itself.

    A list is replaced whole, so what its objects have besides what was wanted is to go: a difference like any other.

    `key`: under which both stand; it tells how Fly spells them.
    """
    if key == "autostop":
        return _autostop(wanted) == _autostop(now)
    if isinstance(wanted, dict):
        return (now is None or isinstance(now, dict)) and _same_object(wanted, obj(now), key)
    if isinstance(wanted, list) and wanted:
        if not isinstance(now, list) or len(now) != len(wanted):
            return False
        return all(holds(one, other, key) for one, other in zip(wanted, now, strict=True))
    if _is_empty(wanted):
        return _is_empty(now) or (isinstance(now, dict) and wanted is None and _same_object({}, now, key))
    if isinstance(wanted, bool) or isinstance(now, bool):
        return wanted is now
    return wanted == now or (key in _DURATIONS and _same_duration(wanted, now))


def holds_at_least(wanted: JsonValue, now: JsonValue, key: str = "") -> bool:
    """Whether all that was wanted is there, whatever stands beside it in objects."""
    if isinstance(wanted, dict) and key not in _MAPS:
        return (now is None or isinstance(now, dict)) and all(
            holds_at_least(value, obj(now).get(name), name) for name, value in wanted.items()
        )
    if isinstance(wanted, list) and isinstance(now, list) and len(now) == len(wanted):
        return all(holds_at_least(one, other, key) for one, other in zip(wanted, now, strict=True))
    return holds(wanted, now, key)


def filled_in(key: str) -> frozenset[str]:
    """What Fly itself adds to an object that stands under `key`, or in a list there."""
    return _FILLED_IN.get(key, _NOTHING)


def _same_object(wanted: JsonObject, now: JsonObject, key: str) -> bool:
    if key in _MAPS:
        return {name: value for name, value in wanted.items() if value is not None} == now
    names = {*wanted, *(now.keys() - filled_in(key))}
    return all(holds(wanted.get(name), now.get(name), name) for name in names)


def _is_empty(value: JsonValue) -> bool:
    """What Go calls a zero value, and leaves out of its answers."""
    return not value


def _autostop(value: JsonValue) -> JsonValue:
    """In the words of Fly's document; Fly answers false for off, true for stop, and leaves out what is off."""
    if isinstance(value, bool) or not value:
        return "stop" if value else "off"
    return value


def _without_nulls(value: JsonValue) -> JsonValue:
    """A list's objects without what is null: there is nothing to remove from in what is new."""
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return value


def _same_duration(wanted: JsonValue, now: JsonValue) -> bool:
    if not isinstance(wanted, str) or not isinstance(now, str):
        return False
    first, second = _seconds(wanted), _seconds(now)
    return first is not None and first == second


def _seconds(text: str) -> Fraction | None:
    if not text or len(text) > 40 or _DURATION.sub("", text):
        return None
    return sum(
        (Fraction(number.rstrip(".") or "0") * _SECONDS[unit] for number, unit in _PARTS.findall(text)),
        Fraction(0),
    )

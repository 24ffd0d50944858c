"""What falls out of a config when a list in it is replaced: a list is never merged, so what is not sent again is gone.

    "services[8080].ports"      the service of port 8080 has no ports any more
    "files[/etc/motd]"          that file is gone

Told by key and name, never by value: a config may hold secrets.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pydantic import JsonValue

from . import patch as patches
from .foreign import clean
from .wire import JsonObject, obj

#: What an object of a list is known by, whatever list it is: the first of these that it has.
_NAMES: Final = ("internal_port", "guest_path", "volume", "name", "port")
#: Places told, and characters of a name.
_MOST, _LONGEST = 5, 60


def said(old: JsonObject, new: JsonObject, patch: JsonObject) -> dict[patches.Place, str]:
    """For each list that the patch replaces and that lost something, what it lost, in a few words."""
    found: dict[patches.Place, str] = {}
    for place, value in patches.leaves(patch).items():
        if isinstance(value, list):
            lost = list(_lost(patches.at(old, place), patches.at(new, place), place[-1], place[-1]))
            if lost:
                more = f" and {len(lost) - _MOST} more" if len(lost) > _MOST else ""
                found[place] = ", ".join(lost[:_MOST]) + more
    return found


def _lost(old: JsonValue, new: JsonValue, key: str, at: str) -> Iterator[str]:
    if isinstance(old, list):
        yield from _lost_of_list(old, new if isinstance(new, list) else [], key, at)
    elif isinstance(old, dict):
        there, own = obj(new), patches.filled_in(key)
        for name in old:
            inner = f"{at}.{clean(name, _LONGEST)}"
            if name in own or patches.holds(None, old[name], name):
                continue
            if patches.holds(None, there.get(name), name):
                yield inner
            else:
                yield from _lost(old[name], there[name], name, inner)


def _lost_of_list(old: list[JsonValue], new: list[JsonValue], key: str, at: str) -> Iterator[str]:
    if not any(isinstance(item, dict) for item in old):
        # Words of a command, or handlers: which of them went is no name but a value.
        if len(new) < len(old):
            yield f"{at} ({len(old)} -> {len(new)})"
        return
    left = [(_name(item, place), item) for place, item in enumerate(new)]
    for place, item in enumerate(old):
        name = _name(item, place)
        like = next((one for one in left if one[0] == name), None)
        if like is None:
            yield f"{at}[{name}]"
        else:
            left.remove(like)
            yield from _lost(item, like[1], key, f"{at}[{name}]")


def _name(item: JsonValue, place: int) -> str:
    given = obj(item)
    value = next((given[key] for key in _NAMES if given.get(key)), place)
    return clean(str(value), _LONGEST)

"""Regions: is there one of that name, and if not, which is near.

Fly publishes its regions by an endpoint of their own, so a new one needs no release of ours. The list is
read when a region is first named, and kept for an hour. Where it can't be read, Fly itself decides.
"""

from __future__ import annotations

import difflib
import re

from . import endpoints as fly
from .call import Call
from .errors import FlyError, InvalidArguments, Problem
from .foreign import clean
from .memory import KnownRegions
from .wire import objects

#: Seconds for which a list of regions is believed.
_KEEP = 3600.0
#: What a code can be: anything else is not repeated, since a code stands in our own sentences.
_CODE = re.compile(r"[a-z0-9-]{1,12}")


async def check(call: Call, code: str | None) -> None:
    """Refuse a region that does not exist, naming the nearest.

    Raises:
        InvalidArguments: no such region, or one that takes no new machines.
    """
    if code is None:
        return
    known = await _known(call)
    if not known.names or (code in known.names and code not in known.deprecated):
        return
    usable = {name: words for name, words in known.names.items() if name not in known.deprecated}
    state = "takes no new machines or volumes any more" if code in known.names else "does not exist"
    near = _nearest(code, usable)
    raise InvalidArguments(
        f"Region {code} {state}; nothing was sent.",
        problems=[
            Problem("region", f"send one of: {', '.join(f'{name} ({usable[name]})' for name in near)}")
        ],
        hint=f"All regions: {', '.join(sorted(usable))}.",
    )


def _nearest(code: str, usable: dict[str, str]) -> list[str]:
    by_code = difflib.get_close_matches(code, usable, n=3, cutoff=0.5)
    by_name = [name for name, words in usable.items() if words.lower().startswith(code)]
    return list(dict.fromkeys([*by_name, *by_code]))[:3] or sorted(usable)[:3]


async def _known(call: Call) -> KnownRegions:
    known = call.memory.regions
    now = call.clock.monotonic()
    if known.read_at is not None and now - known.read_at < _KEEP:
        return known
    try:
        answer = await call.send(fly.LIST_REGIONS, {})
    except FlyError:
        return known
    data = answer.data if isinstance(answer.data, dict) else {}
    rows = objects(data.get("Regions") or data.get("regions"))  # the document has lower case, Fly upper
    coded = {code: row for row in rows if _CODE.fullmatch(code := str(row.get("code")))}
    known.names = {code: clean(str(row.get("name") or ""), 60) for code, row in coded.items()}
    known.deprecated = frozenset(code for code, row in coded.items() if row.get("deprecated"))
    known.read_at = now
    return known

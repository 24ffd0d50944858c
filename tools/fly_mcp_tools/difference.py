"""What a call wants of a machine's config, key by key, and whether somebody else wants something different.

Three states of each key: as it was when the call began (base), as it is now, and as it is wanted. A key that
somebody else gave another value meanwhile is a clash; all other keys are nobody's business. Variables, metadata and
places of the config are told by name and a word, never by value: they may hold secrets.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from . import config as configs
from . import guest
from . import patch as patches
from .foreign import clean, harmless
from .wire import JsonObject, obj

Fingerprint = Callable[[str], str]
"""From a text to another that tells nothing of it but whether it is the same."""

#: Names of a kind in a sentence.
_NAMED = 5
#: Kinds of keys that are told by a word each, and how the rest of a kind is called.
_WORDS = {"env": "variables", "metadata": "keys of metadata", "config": "places of the config"}


@dataclass(frozen=True)
class Wish:
    """Values wanted. None in `env` and in `patch`: it is to be absent; None elsewhere: not asked for.

    `patch`: whatever else of the config, its metadata among it, as `patch.merged` takes it.
    """

    env: Mapping[str, str | None] = field(default_factory=dict[str, "str | None"])
    cpus: int | None = None
    memory_mb: int | None = None
    auto_stop: configs.AutoStop | None = None
    image: str | None = None
    patch: JsonObject = field(default_factory=JsonObject)

    @property
    def may_have_moved(self) -> bool:
        """Whether an image is wanted by a tag: one of the same name may be another image by now."""
        return self.image is not None and "@" not in self.image

    def base(self, config: JsonObject, fingerprint: Fingerprint) -> JsonObject:
        """The keys wanted as they are in `config`, in a form that may be written down: fingerprints, no values."""
        env = obj(config.get("env"))
        prints: JsonObject = {name: _print(name, env, fingerprint) for name in self.env}
        places: JsonObject = {
            patches.named(place): _place_print(place, config, fingerprint)
            for place in patches.leaves(self.patch)
        }
        return {"env": prints, "patch": places, **_named(config, self._plain())}

    def clashes(self, base: JsonObject, now: JsonObject, fingerprint: Fingerprint) -> JsonObject:
        """The keys wanted that have another value than in `base`, and not the one wanted; empty where none has.

        Variables, metadata and places of the config by a word; image, sizes and autoStop by base, now and wanted.
        """
        env, before = obj(now.get("env")), obj(base.get("env"))
        words: JsonObject = {}
        for name, wanted in self.env.items():
            was, present = before.get(name), _print(name, env, fingerprint)
            if present != was and env.get(name) != wanted:
                words[name] = _meanwhile(was, present)
        found: JsonObject = {"env": words} if words else {}
        places = obj(base.get("patch"))
        for place, value in patches.leaves(self.patch).items():
            was, present = places.get(patches.named(place)), _place_print(place, now, fingerprint)
            if present != was and not patches.has(now, place, value):
                _say(found, place, _meanwhile(was, present))
        for name, value in self._plain().items():
            old, new = base.get(name), _plain(now)[name]
            if new not in (old, value):
                found[name] = {"base": old, "now": new, "wanted": value}
        return found

    def lacks(self, config: JsonObject, *, replaced: JsonObject | None = None) -> JsonObject:
        """The keys wanted that the config has not, or has with another value; empty: it is as wanted.

        `replaced`: the config that ours took the place of, where `config` is known to be what Fly made of ours. More
        than was asked for is then Fly's own addition, unless the place is as it was before.
        """
        env = obj(config.get("env"))
        words: JsonObject = {
            name: "not set" if name not in env else ("set" if wanted is None else "another value")
            for name, wanted in self.env.items()
            if env.get(name) != wanted
        }
        found: JsonObject = {"env": words} if words else {}
        for place, value in patches.leaves(self.patch).items():
            there = patches.at(config, place)
            if not patches.has(config, place, value) and not _taken(place, value, there, replaced):
                word = "set" if value is None else "not set" if there is None else "another value"
                _say(found, place, word)
        for name, value in self._plain().items():
            if (new := _plain(config)[name]) != value:
                found[name] = {"now": new, "wanted": value}
        return found

    def _plain(self) -> JsonObject:
        """What is wanted and may be shown, by the names of the arguments."""
        values: JsonObject = {
            "cpus": self.cpus,
            "memoryMb": self.memory_mb,
            "autoStop": self.auto_stop,
            "image": self.image,
        }
        return {name: value for name, value in values.items() if value is not None}


def says(difference: JsonObject) -> str:
    """A difference in a few words."""
    parts: list[str] = []
    for name, values in difference.items():
        told = obj(values)
        if name in _WORDS:
            parts += [f"{name} {clean(key, 60)}: {word}" for key, word in list(told.items())[:_NAMED]]
            if len(told) > _NAMED:
                parts.append(f"{len(told) - _NAMED} more {_WORDS[name]}")
        else:
            parts.append(f"{name}: " + ", ".join(f"{key} {value}" for key, value in told.items()))
    return "; ".join(parts)


def kind_of(place: patches.Place) -> tuple[str, str]:
    """Under what a place is told, and its name there."""
    if place[0] == "metadata" and len(place) > 1:
        return "metadata", patches.named(place[1:])
    return "config", patches.named(place)


def _say(found: JsonObject, place: patches.Place, word: str) -> None:
    kind, name = kind_of(place)
    found[kind] = {**obj(found.get(kind)), name: word}


def _taken(place: patches.Place, value: JsonValue, there: JsonValue, replaced: JsonObject | None) -> bool:
    """Whether what Fly shows is what it made of ours: all that was wanted, with additions that we do not know."""
    if replaced is None or not isinstance(value, list) or there == patches.at(replaced, place):
        return False
    return patches.holds_at_least(value, there, place[-1])


def _print(name: str, env: JsonObject, fingerprint: Fingerprint) -> str | None:
    return fingerprint(f"env {name}={env[name]}") if name in env else None


def _place_print(place: patches.Place, config: JsonObject, fingerprint: Fingerprint) -> str | None:
    value = patches.at(config, place)
    text = json.dumps([*place, value], sort_keys=True)
    return None if value is None else fingerprint(f"place {text}")


def _meanwhile(was: JsonValue, present: JsonValue) -> str:
    if present is None:
        return "removed meanwhile"
    return "set meanwhile" if was is None else "changed meanwhile"


def _named(config: JsonObject, wanted: JsonObject) -> JsonObject:
    return {name: value for name, value in _plain(config).items() if name in wanted}


def _plain(config: JsonObject) -> JsonObject:
    size = guest.of_config(config)
    return {
        "cpus": harmless(size.get("cpus")),
        "memoryMb": harmless(size.get("memory_mb")),
        "autoStop": harmless(configs.autostop_of(config), text=40),
        "image": harmless(config.get("image")),
    }

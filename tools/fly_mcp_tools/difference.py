"""What a call wants of a machine's config, key by key, and whether somebody else wants something different.

Three states of each key: as it was when the call began (base), as it is now, and as it is wanted. A key that
somebody else gave another value meanwhile is a clash; all other keys are nobody's business. Variables are
told by name and a word, never by value: an environment may hold secrets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from . import config as configs
from . import guest
from .foreign import clean, harmless
from .wire import JsonObject, obj

Fingerprint = Callable[[str], str]
"""From a text to another that tells nothing of it but whether it is the same."""

#: Variables named in a sentence.
_NAMED = 5


@dataclass(frozen=True)
class Wish:
    """Values wanted. None in `env`: the variable is to be absent; None elsewhere: not asked for."""

    env: Mapping[str, str | None] = field(default_factory=dict[str, "str | None"])
    cpus: int | None = None
    memory_mb: int | None = None
    auto_stop: configs.AutoStop | None = None

    def base(self, config: JsonObject, fingerprint: Fingerprint) -> JsonObject:
        """The keys wanted as they are in `config`, in a form that may be written down: variables as fingerprints."""
        env = obj(config.get("env"))
        prints: JsonObject = {name: _print(name, env, fingerprint) for name in self.env}
        return {"env": prints, **_named(config, self._plain())}

    def clashes(self, base: JsonObject, now: JsonObject, fingerprint: Fingerprint) -> JsonObject:
        """The keys wanted that have another value than in `base`, and not the one wanted; empty where none has.

        Variables by a word, sizes and autoStop by base, now and wanted.
        """
        env, before = obj(now.get("env")), obj(base.get("env"))
        words: JsonObject = {}
        for name, wanted in self.env.items():
            was, present = before.get(name), _print(name, env, fingerprint)
            if present != was and env.get(name) != wanted:
                words[name] = _meanwhile(was, present)
        found: JsonObject = {"env": words} if words else {}
        for name, value in self._plain().items():
            old, new = base.get(name), _plain(now)[name]
            if new not in (old, value):
                found[name] = {"base": old, "now": new, "wanted": value}
        return found

    def lacks(self, config: JsonObject) -> JsonObject:
        """The keys wanted that the config has not, or has with another value; empty: it is as wanted."""
        env = obj(config.get("env"))
        words: JsonObject = {
            name: "not set" if name not in env else ("set" if wanted is None else "another value")
            for name, wanted in self.env.items()
            if env.get(name) != wanted
        }
        found: JsonObject = {"env": words} if words else {}
        for name, value in self._plain().items():
            if (new := _plain(config)[name]) != value:
                found[name] = {"now": new, "wanted": value}
        return found

    def _plain(self) -> JsonObject:
        """What is wanted besides the environment, by the names of the arguments."""
        values: JsonObject = {"cpus": self.cpus, "memoryMb": self.memory_mb, "autoStop": self.auto_stop}
        return {name: value for name, value in values.items() if value is not None}


def says(difference: JsonObject) -> str:
    """A difference in a few words."""
    env = obj(difference.get("env"))
    parts = [f"env {clean(name, 60)}: {word}" for name, word in list(env.items())[:_NAMED]]
    if len(env) > _NAMED:
        parts.append(f"{len(env) - _NAMED} more variables")
    for name, values in difference.items():
        if name != "env":
            parts.append(f"{name}: " + ", ".join(f"{key} {value}" for key, value in obj(values).items()))
    return "; ".join(parts)


def _print(name: str, env: JsonObject, fingerprint: Fingerprint) -> str | None:
    return fingerprint(f"env {name}={env[name]}") if name in env else None


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
    }

"""The rules in force: which of them strikes a request, and how often each has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from fly_mcp_emulator.answer import Answer
from fly_mcp_emulator.ids import Ids

from .hit import Hit, Incoming
from .kinds import KINDS, Kind
from .rule import FaultRule


@dataclass
class Armed:
    """A rule in force."""

    rule: FaultRule
    kind: Kind
    dice: Ids
    seen: int = 0
    """Requests that matched."""
    struck: int = 0
    """Requests that met the fault."""

    def matches(self, incoming: Incoming) -> bool:
        """Tell whether all conditions hold that do not count."""
        rule = self.rule
        return (
            (rule.method is None or rule.method.upper() == incoming.method)
            and rule.on_path(incoming.path, incoming.template)
            and (rule.app is None or rule.app == incoming.app_name)
            and (rule.machine is None or rule.machine == incoming.params.get("id"))
            and self.kind.can_befall(incoming)
            and (rule.region is None or rule.region == incoming.region)
        )

    def chosen(self) -> bool:
        """Count a request that matched, and tell whether it is one of those to strike."""
        rule = self.rule
        self.seen += 1
        # Rolled for each, struck or not: what one request meets does not change what the next one does.
        lucky = rule.probability < 1.0 and self.dice.chance() >= rule.probability
        if lucky or (rule.nth is not None and self.seen != rule.nth):
            return False
        if rule.every is not None and self.seen % rule.every:
            return False
        return rule.times is None or self.struck < rule.times


class Faults:
    """The rules in force, in the order they were given."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._armed: list[Armed] = []
        self._made = 0
        self.struck: Counter[str] = Counter()
        """How many requests met each kind, since the rules were last dropped."""

    def add(self, rule: FaultRule) -> FaultRule:
        """Put a rule in force and return it, named."""
        self._made += 1
        named = rule.model_copy(update={"name": rule.name or f"fault-{self._made}"})
        seed = self._seed if rule.seed is None else rule.seed
        place = len(self._armed) if rule.seed is None else 0
        self._armed.append(Armed(named, KINDS[rule.kind], Ids(seed, stream=f"faults:{place}")))
        return named

    def clear(self) -> None:
        """Drop all rules, and begin the counts and the dice anew."""
        self._armed.clear()
        self.struck.clear()

    def report(self) -> list[dict[str, Any]]:
        """Return the rules with how often they matched and struck."""
        return [
            armed.rule.model_dump(exclude_defaults=True) | {"seen": armed.seen, "struck": armed.struck}
            for armed in self._armed
        ]

    def strike(self, incoming: Incoming) -> Armed | None:
        """Return the first rule that strikes this request. All others see it and count it all the same."""
        struck: Armed | None = None
        for armed in self._armed:
            if armed.matches(incoming) and armed.chosen() and struck is None:
                struck = armed
        if struck is not None:
            struck.struck += 1
            self.struck[struck.kind.name] += 1
        return struck

    async def befall(
        self, armed: Armed, incoming: Incoming, carry: Callable[[], Awaitable[Answer]]
    ) -> tuple[Answer, bool]:
        """Let a fault deal with a request. Returns the answer, and whether the fault found anything to do.

        One that did not does not count: the answer is then Fly's own.

        Raises: `ConnectionDropped` where there is to be no answer, or half of one.
        """
        rule, state = armed.rule, incoming.state
        if rule.latency:
            await state.clock.sleep(rule.latency)
            state.settle()
        seconds = rule.seconds if rule.seconds is not None else armed.kind.seconds
        hit = Hit(rule, incoming, seconds or 0.0, carry)
        answer = await armed.kind.act(hit)
        if hit.missed:
            armed.struck -= 1
            self.struck[armed.kind.name] -= 1
        return answer, not hit.missed

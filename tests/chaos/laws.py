"""What must hold after each answer, and for each change of the world, as they come."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import takewhile

from fly_mcp_emulator import Emulator
from fly_mcp_emulator.log import RequestRecord
from fly_mcp_tools.action import AnyAction

from . import claims
from .history import History, Watchers
from .line import CURRENT
from .lives import AppLife, MachineLife, Version
from .model import FOREIGN, Intent, Model, Told

LAWS = (
    "doubled", "lost key", "wrong done", "wrong refused", "wrong read", "lease left", "no answer", "not one of four",
    "bug", "repeated id", "conflict", "run twice", "lost race", "disturbed",
)  # fmt: skip


#: How the description of a lease of ours begins.
_OURS = "fly-mcp"
#: Seconds after which a lease that was left behind is over.
LEASES_OVER = 35.0
_RECLAIM = "/memory/reclaim"
#: What is never sent twice, since nothing tells whether it was done, by the end of its path.
_ONCE = {"flyExecCommand": "/exec", "flySignalMachine": "/signal", "flySetMemory": _RECLAIM}
#: Arguments of a change of variables alone.
_ALONE = {"appName", "machineId", "env", "nonce"}


@dataclass(frozen=True)
class Violation:
    """A law that did not hold, and of which call."""

    law: str
    words: str
    told: Told | None = None


class Laws:
    """The judge.

    `processes`: the calls come from several servers. Fly has no version for metadata and no mark for a secret key, so
    what one process keeps apart by a turn, several cannot (docs/chaos.md, "What is known").
    """

    def __init__(
        self,
        emulator: Emulator,
        model: Model,
        actions: Mapping[str, AnyAction],
        found: Callable[[], None],
        *,
        processes: bool = False,
    ) -> None:
        self._processes = processes
        self.model = model
        self.violations: list[Violation] = []
        self.history = History(
            Watchers(self._new_version, self._new_secret, self._new_metadata, self._replaced_key)
        )
        self._emulator = emulator
        self._actions = actions
        self._found = found
        #: Intents that have made too much: told once.
        self._reported: set[int] = set()
        self._reported_refusals: set[int] = set()
        #: By machine and key of metadata: whether its last change came from outside, or late, so in nobody's turn.
        self._loose: dict[tuple[str, str], bool] = {}

    def broken(self, law: str, told: Told | None, words: str) -> None:
        """A law does not hold."""
        assert law in LAWS, law
        self.violations.append(Violation(law, words, told))
        self._found()

    def begins(self, told: Told) -> None:
        """A call begins."""
        self._emulator.settle()
        told.before = claims.before(told, self.history)

    def ends(self, told: Told) -> None:
        """A call is answered, or nobody waits for it any more."""
        self._emulator.settle()
        if told.ending == "cancelled":
            return
        if told.ending is None:
            self.broken("not one of four", told, f"the answer is none of the four: {told.content}")
            return
        if told.content.get("code") == "internal":
            self.broken("bug", told, str(told.content.get("message")))
        self._of_errors(told)
        if told.expected == "conflict":
            self._of_conflict(told)
            return
        self._of_repetition(told)
        self._of_claims(told)
        self._of_races(told)
        self._of_leases(told)
        self._of_makes(told.intent)
        self.refusal(told)

    def refusal(self, told: Told) -> None:
        """A refused call changed nothing. Asked again at the end: a request may have arrived since."""
        if told.ending != "refused":
            return
        for record in self.records(told):
            keeps = told.intent.asked.action == "flyAcquireLease" and took_lease(record)
            if (changes(record) or keeps) and told.number not in self._reported_refusals:
                self._reported_refusals.add(told.number)
                self.broken(
                    "wrong refused",
                    told,
                    f"it said that nothing was changed, and its {record.method} {record.path} was carried out "
                    f"({record.world_status})",
                )
                return
        made = self.history.by_image.get(told.intent.asked.image, [])
        if told.intent.refused and any(one.by is not None and one.by.intent is told.intent for one in made):
            self.broken("wrong refused", told, "its machine is there")

    def records(self, told: Told) -> list[RequestRecord]:
        """The requests of a call."""
        log = self._emulator.requests
        return [log[place] for place in told.requests if place < len(log)]

    def _of_errors(self, told: Told) -> None:
        if told.ending in ("refused", "unclear") and "code" in told.content:
            nothing = told.content.get("changed") == "nothing"
            if nothing != (told.ending == "refused"):
                self.broken(
                    "not one of four", told, f"{told.ending}, and changed is {told.content.get('changed')}"
                )

    def _of_conflict(self, told: Told) -> None:
        if told.code != "conflict" or told.ending != "refused":
            self.broken(
                "conflict", told, f"an id used with other arguments came to {told.ending} {told.code}"
            )
        elif told.requests:
            self.broken("conflict", told, "it was refused, and something was sent")

    def _of_repetition(self, told: Told) -> None:
        earlier = [one for one in told.intent.answers("done") if one is not told and one.ended <= told.ended]
        # A call that was cut may have come to its end unseen; a twin may be answered in either order.
        unseen = any(
            one.ending in ("cancelled", None) or one.ended >= told.began
            for one in told.intent.calls
            if one is not told
        )
        if told.expected == "already_done" or (earlier and told.intent.request_id):
            if not told.already_done:
                self.broken("repeated id", told, f"it was done before, and came to {told.ending} {told.code}")
            elif any(not _shows_nonce(told, record) for record in self.records(told)):
                self.broken("repeated id", told, "it was done before, and something was sent")
            elif earlier and (difference := claims.differs(earlier[0], told)):
                self.broken(
                    "repeated id", told, f"it was done before, and the answer is another one: {difference}"
                )
        elif told.already_done and not unseen:
            self.broken("repeated id", told, "it says already done, and no answer said done before")

    def _of_claims(self, told: Told) -> None:
        judge = claims.CLAIMS.get(told.intent.asked.action)
        wrong = list(judge(told, self.history)) if judge and "code" not in told.content else []
        for words in wrong:
            law = "wrong read" if told.ending == "read" else "wrong done"
            self.broken(law, told, words)

    def _of_races(self, told: Told) -> None:
        """Two who change different keys of a machine both win."""
        asked = told.intent.asked
        alone = asked.env.keys() <= asked.unique and asked.arguments.keys() <= _ALONE
        if asked.action == "flyUpdateMachineConfig" and alone and told.code == "conflict":
            self.broken("lost race", told, "a change of what nobody else touches came to a conflict")

    def _of_leases(self, told: Told) -> None:
        """A call gives back what it took, where nothing kept it from that; and no lease of ours is a long one."""
        now = self._emulator.clock.now()
        met = any(
            one.fault_kind or not one.status for one in self.records(told) if one.path.endswith("/lease")
        )
        for life in self.history.machines.values():
            lease = life.machine.lease
            if (
                not life.alive
                or not lease
                or lease.expires_at <= now
                or not lease.description.startswith(_OURS)
            ):
                continue
            left = lease.expires_at - now
            if left > LEASES_OVER:
                self.broken("lease left", told, f"a lease on machine {life.id} has {left:.0f} s left")
            if life.held_by is told and not met and not self._told_to_wait(f"{life.id}/lease", now):
                self.broken(
                    "lease left", told, f"the lease of machine {life.id} was taken and not given back"
                )

    def _told_to_wait(self, path: str, now: float) -> bool:
        """Whether Fly has lately asked for patience with requests to this path: a release may come too late then."""
        recent = takewhile(lambda record: record.at > now - LEASES_OVER, reversed(self._emulator.requests))
        return any(record.status == 429 and record.path.endswith(path) for record in recent)

    def _of_makes(self, intent: Intent) -> None:
        if intent.number in self._reported:
            return
        for words in claims.made_too_many(intent, self.model.machines_of(intent.asked.image), self.history):
            self._reported.add(intent.number)
            self.broken("doubled", intent.calls[-1], words)
        once = _ONCE.get(intent.asked.action)
        if once is None:
            return
        runs = sum(
            record.path.endswith(once) and 0 < record.world_status < 400
            for told in intent.calls
            for record in self.records(told)
        )
        if runs > 1:
            self.broken("run twice", intent.calls[-1], f"{once} was carried out {runs} times")
        elif not runs and intent.done and (once != _RECLAIM or "reclaimMb" in intent.asked.arguments):
            self.broken("wrong done", intent.calls[-1], f"{once} was never carried out")

    def _new_version(self, life: MachineLife, before: Version | None, now: Version) -> None:
        """Every key of a machine stays as it is until somebody asks for something else."""
        told = now.by
        if before is None:
            if told is not None and told.intent.agent != FOREIGN:
                self._of_makes(told.intent)
            return
        self._undisturbed(life, before, now)
        for key in before.env.keys() | now.env.keys():
            old, new = before.env.get(key), now.env.get(key)
            if old != new and not self._wished(life.id, key, new, now.at):
                what = "is gone" if new is None else f"went from {old!r} to {new!r}"
                self.broken("lost key", told, f"{key} of machine {life.id} {what}, and nobody asked for it")

    def _undisturbed(self, life: MachineLife, before: Version, now: Version) -> None:
        """No call of ours updates a machine in the middle of another's update, but one that was given the lease."""
        first, second = before.by, now.by
        if first is None or second is None or FOREIGN in (first.intent.agent, second.intent.agent):
            return
        if first.intent is second.intent or first.ended <= now.at or "nonce" in second.intent.asked.arguments:
            return
        given = (
            record.path.endswith(f"{life.id}/lease")
            and record.method == "POST"
            and 0 < record.world_status < 400
            for told in second.intent.calls
            for record in self.records(told)
        )
        if not any(given):
            words = f"machine {life.id} was updated in the middle of the update of call {first.number}"
            self.broken("disturbed", second, words)

    def _new_secret(self, life: AppLife, name: str, new: str | None, at: float) -> None:
        by = CURRENT.get()
        if by is not None and by.intent.asked.secrets.get(name, ...) == new:
            return  # a request that is late may undo what came after it: secrets have no version to compare
        if life.seen_secrets and not self._wished(f"app {life.name}", name, new, at):
            self.broken(
                "lost key", None, f"secret {name} of {life.name} is another one, and nobody asked for it"
            )

    def _new_metadata(self, life: MachineLife, key: str, old: str | None, new: str | None, at: float) -> None:
        """Every key of a machine's metadata stays as it is until somebody asks for something else."""
        by = CURRENT.get()
        loose = by is not None and (self._processes or by.intent.agent == FOREIGN or by.ended <= at)
        before, self._loose[life.id, key] = self._loose.get((life.id, key), False), loose
        if by is not None and (by.intent.agent == FOREIGN or by.intent.asked.metadata.get(key, ...) == new):
            return  # metadata has no version to compare: the foreign person writes back what it has read
        later = by is not None and all(
            one.get(key) != old for one in life.metadata.within(by.began, by.began)
        )
        if later and (loose or before):
            return  # a late request, of this update or of who set it since: docs/chaos.md, "What is known"
        if not self._wished(f"metadata of {life.id}", key, new, at):
            what = "is gone" if new is None else f"went from {old!r} to {new!r}"
            self.broken(
                "lost key", by, f"metadata {key} of machine {life.id} {what}, and nobody asked for it"
            )

    def _replaced_key(self, life: AppLife, name: str, by: Told | None) -> None:
        """What a secret key has sealed is lost where another takes its place."""
        if by is None or not (self._processes or by.ended <= self._emulator.clock.now()):
            self.broken("lost key", by, f"secret key {name} of {life.name} was replaced")

    def _wished(self, where: str, key: str, value: str | None, at: float) -> bool:
        return any(
            intent.open_at(at)
            and value
            in (
                intent.asked.env.get(key, ...),
                intent.asked.secrets.get(key, ...),
                intent.asked.metadata.get(key, ...),
            )
            for intent in self.model.wishes(where, key)
        )


def took_lease(record: RequestRecord) -> bool:
    """Whether a request has taken a lease."""
    return record.method == "POST" and record.path.endswith("/lease") and 0 < record.world_status < 400


def _shows_nonce(told: Told, record: RequestRecord) -> bool:
    """Whether it reads the lease that was taken: its nonce is kept nowhere."""
    return (
        told.intent.asked.action == "flyAcquireLease"
        and record.method == "GET"
        and record.path.endswith("/lease")
    )


def changes(record: RequestRecord) -> bool:
    """Whether a request was carried out and can have changed something that stays: leases pass."""
    if record.method == "GET" or record.path.endswith("/lease"):
        return False
    return 0 < record.world_status < 400

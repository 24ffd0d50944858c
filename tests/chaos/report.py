"""What came of a run, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from fly_mcp_emulator.faults import KINDS

from .faults import AT_LEAST, AT_MOST, EACH, OF
from .laws import LAWS, Violation
from .model import FOUR, Told
from .run import Report

#: Violations of each law that are told in full.
_SHOWN = 3


def lines(report: Report) -> Iterator[str]:
    """The whole report."""
    plan, calls = report.plan, report.model.calls
    endings = Counter(str(told.ending) for told in calls)
    yield f"seed {plan.seed}, {plan.agents} agents" + (f", without {plan.without}" if plan.without else "")
    yield f"{len(calls)} calls, {len(report.emulator.requests)} requests"
    yield f"{report.virtual / 3600:.1f} h of Fly's time in {report.real:.0f} s"
    yield f"faults: {report.struck.total()} requests met one ({report.share:.1%})"
    yield from _columns({kind: report.struck[kind] for kind in KINDS})
    yield "answers of writes:"
    yield from _columns({ending: endings[ending] for ending in FOUR})
    yield f"besides: {endings['read']} reads, {endings['failed_read']} of them failed, {endings['cancelled']} cancelled"
    broken = Counter(violation.law for violation in report.violations)
    yield "violations:"
    yield from _columns({law: broken[law] for law in LAWS})
    seen: Counter[str] = Counter()
    for violation in report.violations:
        seen[violation.law] += 1
        if seen[violation.law] > _SHOWN:
            continue
        yield ""
        yield from _told(report, violation)
    yield from unmet(report)


def unmet(report: Report) -> Iterator[str]:
    """What the run itself failed to be: enough of every fault, in a fifth of the requests. Only of a whole one."""
    if report.plan.without or len(report.model.calls) < OF:
        return
    if not AT_LEAST <= report.share <= AT_MOST:
        yield f"not met: {report.share:.1%} of the requests met a fault, not {AT_LEAST:.0%} to {AT_MOST:.0%}"
    for kind in KINDS:
        if report.struck[kind] < EACH:
            yield f"not met: {kind} struck {report.struck[kind]} times, not {EACH}"


def _columns(counts: dict[str, int]) -> Iterator[str]:
    width = max(map(len, counts)) + 1
    cells = [f"  {name:<{width}}{number:>5}" for name, number in counts.items()]
    for first in range(0, len(cells), 3):
        yield "".join(cells[first : first + 3])


def _told(report: Report, violation: Violation) -> Iterator[str]:
    yield f"VIOLATION {violation.law}: {violation.words}"
    if violation.told is None:
        return
    for told in violation.told.intent.calls:
        mark = ">" if told is violation.told else " "
        yield f" {mark} call {told.number} of {told.intent.agent}: {told.intent.asked.action} {told.arguments}"
        yield f"     {told.began:.2f} to {told.ended:.2f}: {told.ending} {told.content}"
        yield from _requests(report, told)


def _requests(report: Report, told: Told) -> Iterator[str]:
    for record in report.laws.records(told):
        fault = f"  <- {record.fault_kind}" if record.fault_kind else ""
        query = f"?{record.query}" if record.query else ""
        came = f"{record.status or '-'} (Fly: {record.world_status})"
        yield f"       {record.at:.2f} {record.method} {record.path}{query} {came}{fault}"

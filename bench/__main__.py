"""Measure, interleaved and in one run, and print the figures beside their targets.

A ratio is the median of the rounds' ratios: what both sides of a round meet, such as a busy machine, cancels.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from dataclasses import dataclass

import httpx2

from . import tokens
from .fly import APP, emulator, populate
from .pipe import BARE, FLY_MCP, Server

_ROUNDS = int(os.environ.get("BENCH_N", "20"))
#: Calls before those that count: connections are made, code is warm.
_WARM_UP = 5
_TOKEN = {"FLY_API_TOKEN": "bench"}
#: Machines of the small app and of the large one, for tokens a machine.
_FEW, _MANY = 10, 60


@dataclass(frozen=True)
class Figure:
    """One line of the report. `target`: the most it may be."""

    what: str
    measured: str
    value: float
    target: float
    unit: str = ""


def main() -> None:
    """Measure all, print the table."""
    print(f"Medians of {_ROUNDS} rounds, interleaved in one run.\n")
    figures = [start_up()]
    with emulator() as address:
        figures += [read_tool(address), *token_figures(address)]
    _print(figures)


def start_up() -> Figure:
    """From the start of the process to the first list of tools."""
    for command in (FLY_MCP, BARE):
        _first_list(command)
    rounds = [(_first_list(FLY_MCP), _first_list(BARE)) for _ in range(_ROUNDS)]
    ours, bare = (statistics.median(column) for column in zip(*rounds, strict=True))
    return Figure(
        "start to first tools/list, against a bare SDK server",
        f"{ours * 1000:.0f} ms / {bare * 1000:.0f} ms",
        statistics.median(one / other for one, other in rounds),
        1.25,
        "x",
    )


def read_tool(address: str) -> Figure:
    """flyGetMachine, against the SDK's echo tool plus the same GET sent directly.

    Every machine is asked for once or twice, so that no rate limit is met.
    """
    calls = _ROUNDS + _WARM_UP
    machines = populate(address, max(_MANY, calls))
    rounds: list[tuple[float, float, float]] = []
    with (
        Server(FLY_MCP, {**_TOKEN, "FLY_API_HOSTNAME": address}) as fly,
        Server(BARE) as bare,
        asyncio.Runner() as runner,
    ):
        client = httpx2.AsyncClient(
            base_url=address, headers={"authorization": "Bearer bench"}, trust_env=False
        )

        async def get_directly(machine_id: str) -> float:
            began = time.perf_counter()
            response = await client.get(f"/v1/apps/{APP}/machines/{machine_id}")
            seconds = time.perf_counter() - began
            response.raise_for_status()
            return seconds

        for number in range(calls):
            machine_id = machines[number]
            _, ours = fly.call("flyGetMachine", {"appName": APP, "machineId": machine_id})
            _, echo = bare.call("echo", {"text": machine_id})
            rounds.append((ours, echo, runner.run(get_directly(machine_id))))
        runner.run(client.aclose())
    rounds = rounds[_WARM_UP:]
    ours, echo, direct = (statistics.median(column) for column in zip(*rounds, strict=True))
    return Figure(
        "flyGetMachine, against echo tool + the same GET",
        f"{ours * 1000:.2f} ms / ({echo * 1000:.2f} + {direct * 1000:.2f}) ms",
        statistics.median(one / (other + get) for one, other, get in rounds),
        1.3,
        "x",
    )


def token_figures(address: str) -> list[Figure]:
    """The tool list, its largest tool, and one machine more in a list."""
    with Server(FLY_MCP, {**_TOKEN, "FLY_API_HOSTNAME": address}) as fly:
        listed, _ = fly.ask("tools/list")
        by_tool = tokens.of_tools(listed["tools"])
        largest = max(by_tool, key=by_tool.__getitem__)
        few, many = (_machine_list(fly, address, count) for count in (_FEW, _MANY))
    return [
        Figure(
            f"{len(by_tool)} tools, o200k tokens",
            f"largest {largest}: {by_tool[largest]}",
            sum(by_tool.values()),
            8000,
        ),
        Figure(
            "one machine more in flyListMachines, tokens",
            f"{_FEW}: {few}, {_MANY}: {many}",
            (many - few) / (_MANY - _FEW),
            65,
        ),
    ]


def _machine_list(fly: Server, address: str, count: int) -> int:
    populate(address, count)
    answer, _ = fly.call("flyListMachines", {"appName": APP})
    return tokens.count(answer["content"][0]["text"])


def _first_list(command: list[str]) -> float:
    with Server(command, _TOKEN) as server:
        server.ask("tools/list")
        return time.perf_counter() - server.began


def _print(figures: list[Figure]) -> None:
    rows = [("figure", "measured", "value", "target", "")]
    for figure in figures:
        decimals = 2 if figure.unit else 1 if figure.value % 1 else 0
        rows.append(
            (
                figure.what,
                figure.measured,
                f"{figure.value:,.{decimals}f}{figure.unit}",
                f"<= {figure.target:,g}{figure.unit}",
                "" if figure.value <= figure.target else "MISSED",
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


main()

"""The command line. Everything heavy is imported where it is used: start-up time is a figure we publish."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from . import __version__

T = TypeVar("T")
CommandT = TypeVar("CommandT", bound=Callable[..., Any])

_EMULATOR = click.option(
    "--emulator", is_flag=True, envvar="FLY_MCP_EMULATOR", help="Serve an embedded Fly; no account needed."
)
_LOG_LEVEL = click.option(
    "--log-level",
    envvar="FLY_MCP_LOG_LEVEL",
    type=click.Choice(["debug", "info", "warning", "error"], case_sensitive=False),
    help="Log lines go to stderr. Default: warning.",
)
#: Which tools are on. What each means stands in the settings' table.
_CHOICE = (
    click.option(
        "--toolsets", envvar="FLY_MCP_TOOLSETS", metavar="A,B", help="Toolsets to switch on; or: all."
    ),
    click.option("--tools", envvar="FLY_MCP_TOOLS", metavar="A,B", help="Tools to switch on by name."),
    click.option(
        "--exclude-tools", envvar="FLY_MCP_EXCLUDE_TOOLS", metavar="A,B", help="Tools to switch off by name."
    ),
    click.option(
        "--read-only", is_flag=True, default=None, envvar="FLY_MCP_READ_ONLY", help="Change nothing."
    ),
    click.option("--app", envvar="FLY_MCP_APP", metavar="NAME", help="The one app that can be reached."),
    click.option("--org", envvar="FLY_MCP_ORG", metavar="SLUG", help="The one organisation calls may name."),
    click.option(
        "--output-schemas/--no-output-schemas",
        default=None,
        envvar="FLY_MCP_OUTPUT_SCHEMAS",
        help="List what tools give. Default: yes.",
    ),
)


def _joined(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> str | None:
    """What was given again and again, as the environment has it: with commas."""
    return ",".join(given) or None


def _again(
    flag: str, setting: str, metavar: str, words: str
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """An option that is given once for each of its values."""
    return click.option(
        flag,
        setting,
        envvar=f"FLY_MCP_{setting.upper()}",
        multiple=True,
        callback=_joined,
        metavar=metavar,
        help=f"{words} (again for more).",
    )


#: Where it listens, and to whom. What each means stands in the settings' table.
_HTTP = (
    click.option(
        "--http",
        is_flag=True,
        default=None,
        envvar="FLY_MCP_HTTP",
        help="Over HTTP: /mcp, and /sse for older clients.",
    ),
    click.option(
        "--host", envvar="FLY_MCP_HOST", metavar="ADDRESS", help="Address to listen on. Default: 127.0.0.1."
    ),
    click.option(
        "--port",
        envvar="FLY_MCP_PORT",
        type=click.IntRange(0, 65535),
        help="Port; 0 takes a free one. Default: 8000.",
    ),
    _again("--allowed-host", "allowed_hosts", "NAME", "A name by which agents reach it"),
    _again("--allowed-origin", "allowed_origins", "ORIGIN", "A web page that may call"),
    _again("--trusted-proxy", "trusted_proxies", "ADDRESS", "A proxy that says whom it speaks for"),
    click.option(
        "--no-auth",
        is_flag=True,
        default=None,
        envvar="FLY_MCP_NO_AUTH",
        help="Ask nobody who they are.",
    ),
    click.option(
        "--shutdown",
        envvar="FLY_MCP_SHUTDOWN",
        type=click.FloatRange(0, 3600),
        metavar="SECONDS",
        help="What running calls get at the end. Default: 30.",
    ),
)


#: Who may what, and what is kept of it. What each means stands in the settings' table.
_ACCESS = (
    click.option("--policy", envvar="FLY_MCP_POLICY", metavar="FILE", help="What each agent may do."),
    click.option("--agent", envvar="FLY_MCP_AGENT", metavar="NAME", help="Which of them calls over stdio."),
    click.option("--agents", envvar="FLY_MCP_AGENTS", metavar="FILE", help="Their tokens, hashed."),
    click.option(
        "--audit", envvar="FLY_MCP_AUDIT", metavar="FILE", help="Keep a trail of each call; or: stderr."
    ),
)


def _options(options: Sequence[Callable[[CommandT], CommandT]]) -> Callable[[CommandT], CommandT]:
    def decorate(command: CommandT) -> CommandT:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def _choice(command: CommandT) -> CommandT:
    return _options(_CHOICE)(command)


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="fly-mcp")
@_EMULATOR
@_LOG_LEVEL
@_options(_ACCESS)
@_choice
@click.pass_context
def main(context: click.Context, /, **said: object) -> None:
    """Fly.io for LLM agents over the Model Context Protocol.

    Without a command it serves over stdio, which is what MCP clients start.
    """
    if context.invoked_subcommand is None:
        _serve(said)


@main.command()
@click.option("--stdio", is_flag=True, help="Over stdin and stdout (the default).")
@_options(_HTTP)
@_options(_ACCESS)
@_EMULATOR
@_LOG_LEVEL
@_choice
@click.pass_context
def serve(context: click.Context, /, stdio: bool, **said: object) -> None:
    """Serve MCP."""
    if stdio and context.get_parameter_source("http") is ParameterSource.COMMANDLINE:
        raise click.UsageError("give one of --stdio and --http")
    told = {option: _said(context, option, here) for option, here in said.items()}
    _serve(told | {"http": False} if stdio else told)


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=4280, show_default=True, help="Port; 0 takes a free one."
)
@click.option("--world", type=click.Path(), help="The world to begin with, as JSON (docs/world.md).")
@click.option("--state", type=click.Path(), help="Keep the world in this file over restarts.")
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Decides all ids, and the dice of faults."
)
@click.option("--no-limits", is_flag=True, help="Without Fly's rate limits.")
def emulator(host: str, port: int, world: str | None, state: str | None, seed: int, no_limits: bool) -> None:
    """Run the embedded Fly alone, for any client of Fly's API."""
    from .emulator_command import Options, run

    sys.exit(run(Options(host, port, limits=not no_limits, seed=seed, world=world, state=state)))


@main.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON, schemas included.")
@_choice
@click.pass_context
def tools(context: click.Context, /, as_json: bool, **said: object) -> None:
    """Print the table of tools, and which of them are on."""
    from .tools_command import run

    sys.exit(run({option: _said(context, option, here) for option, here in said.items()}, as_json=as_json))


@main.command()
@_EMULATOR
@click.pass_context
def check(context: click.Context, emulator: bool) -> None:
    """Test token, organisation and reachability, and say in plain words what is wrong."""
    from .check_command import run

    sys.exit(run(_said(context, "emulator", emulator)))


@main.command()
@click.option("--write", is_flag=True, help="Rewrite the generated parts in place.")
@click.option("--check", "only_check", is_flag=True, help="Fail where a generated part is out of date.")
@click.argument("root", default=".", type=click.Path(exists=True, file_okay=False))
def docs(write: bool, only_check: bool, root: str) -> None:
    """Generate the tables of the documentation from the action table and the settings."""
    if write == only_check:
        raise click.UsageError("give one of --write and --check")
    from .docs_command import run

    sys.exit(run(root, write=write))


@main.group()
def agents() -> None:
    """Make, list and revoke the tokens by which agents call over a network."""


@agents.command("add")
@click.argument("name")
def add_agent(name: str) -> None:
    """Make a token for an agent and print it, this once. It may have others, so that they can be changed."""
    from .agents_command import run_add

    sys.exit(run_add(name))


@agents.command("list")
def list_agents() -> None:
    """Print whose tokens there are: id, day, and the end of the hash. Never a token."""
    from .agents_command import run_list

    sys.exit(run_list())


@agents.command("revoke")
@click.argument("name")
@click.option("--id", "number", metavar="ID", help="This one alone. Default: all of the agent.")
def revoke_agent(name: str, number: str | None) -> None:
    """Take an agent's tokens away. A server that runs refuses them from the next call on."""
    from .agents_command import run_revoke

    sys.exit(run_revoke(name, number))


@main.group()
def audit() -> None:
    """Check and read the audit trail."""


@audit.command("verify")
@click.argument("file", required=False)
@click.option("--expect", default="", metavar="HASH", help="A hash that was kept: it has to be in it.")
def verify_audit(file: str | None, expect: str) -> None:
    """Say whether FILE (default: that of FLY_MCP_AUDIT) is whole. Exit code 1: it is not."""
    from .audit_command import run_verify

    sys.exit(run_verify(file, expect))


@audit.command("tail")
@click.argument("file", required=False)
@click.option("--agent", default="", metavar="NAME", help="Of this agent alone.")
@click.option("-n", "count", type=click.IntRange(1), default=20, show_default=True, help="How many.")
@click.option("--json", "as_json", is_flag=True, help="The lines as they are, not the sentences.")
def tail_audit(file: str | None, agent: str, count: int, as_json: bool) -> None:
    """Print the last events of FILE (default: that of FLY_MCP_AUDIT)."""
    from .audit_command import run_tail

    sys.exit(run_tail(file, agent, count, as_json=as_json))


@main.command()
def demo() -> None:
    """Play the documented use cases against the embedded Fly, as an MCP client would."""
    from .demo_command import run

    sys.exit(run())


@main.group()
def policy() -> None:
    """Check and explain the policy file."""


@policy.command("check")
@click.argument("file", required=False)
def check_policy(file: str | None) -> None:
    """Say whether FILE (default: that of FLY_MCP_POLICY) can be used, and if not, name every problem."""
    from .policy_command import run_check

    sys.exit(run_check(file))


@policy.command("explain")
@click.option("--policy", "file", metavar="FILE", help="Default: that of FLY_MCP_POLICY.")
@click.option("--agent", required=True, metavar="NAME", help="Who would call.")
@click.option("--action", metavar="NAME", help="Which action. Default: all, in a table.")
@click.option("--app", metavar="NAME", help="On which app.")
@click.option(
    "--org", default="", metavar="SLUG", help="Of which organisation the app is. Default: the agent's."
)
def explain_policy(file: str | None, agent: str, action: str | None, app: str | None, org: str) -> None:
    """Say what is decided about a call, which rule decides and why. Works offline."""
    from .policy_command import run_explain

    sys.exit(run_explain(file, agent, action, app, org))


def _said(context: click.Context, option: str, here: T) -> T:
    """An option of the command, or as it was given before the command: `fly-mcp --emulator serve`."""
    if context.parent is None or option not in context.parent.params:
        return here
    before: T = context.parent.params[option]
    typed = ParameterSource.COMMANDLINE
    if context.get_parameter_source(option) is typed:
        return here
    # What was typed wins over the environment, which both have read.
    return before if context.parent.get_parameter_source(option) is typed else here or before


def _serve(said: Mapping[str, object]) -> None:
    # What is imported and built from here on stays for life; collecting garbage among it costs a tenth of the
    # start-up time. `run` switches it on again.
    gc.disable()
    from .serve_command import run

    sys.exit(run(said))

"""What is installed is what was written: versions, types, licence, and the three packages."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata, resources
from typing import Any

import pytest

import fly_mcp_server

from .checkout import ROOT, SOURCES, in_a_checkout, modules
from .test_house import imports

PACKAGES = ("fly_mcp_server", "fly_mcp_tools", "fly_mcp_emulator")


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_version_is_the_change_logs_newest() -> None:
    """House rule 20: the change log is written with the change."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## \[(\d+\.\d+\.\d+)\]", text, re.MULTILINE)
    assert newest is not None
    assert newest[1] == fly_mcp_server.__version__ == metadata.version("fly-mcp")


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_says_that_it_is_typed(package: str) -> None:
    """PEP 561: without py.typed a user's type checker ignores our types."""
    assert resources.files(package).joinpath("py.typed").is_file()


def test_the_wheel_holds_the_three_packages_and_nothing_else() -> None:
    """The architecture: folder X holds the package fly_mcp_X, and a stray top-level name would collide."""
    assert project()["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == [
        f"{package.removeprefix('fly_mcp_')}/{package}" for package in PACKAGES
    ]
    installed = metadata.files("fly-mcp") or []
    # An editable installation lists a pointer to the checkout instead.
    tops = {file.parts[0] for file in installed if file.suffix == ".py" and not file.parts[0].startswith("_")}
    assert tops in (set(), set(PACKAGES))


def test_the_command_is_fly_mcp() -> None:
    """The architecture: distribution and command are called fly-mcp."""
    (command,) = metadata.entry_points(group="console_scripts", name="fly-mcp")
    assert command.value == "fly_mcp_server.cli:main"


def test_the_licence_is_apache_2_and_goes_with_the_package() -> None:
    """The issue: LICENSE (Apache-2.0)."""
    assert metadata.metadata("fly-mcp")["License-Expression"] == "Apache-2.0"
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert any(file.name == "LICENSE" for file in metadata.files("fly-mcp") or [])


@in_a_checkout
def test_every_dependency_is_used() -> None:
    """Ours: each one costs a user's installation, and somebody's trust."""
    declared = {
        re.split(r"[^\w.-]", line)[0].replace("-", "_") for line in project()["project"]["dependencies"]
    }
    used = {name for path in modules(*SOURCES) for name in imports(path)}
    # What is installed under one name and imported under another.
    used |= {"graphql_core"} if "graphql" in used else set()
    used |= {"pyjwt"} if "jwt" in used else set()
    assert not declared - used

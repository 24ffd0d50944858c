"""The file of agents' tokens: hashes alone, written whole or not at all.

A plain SHA-256 is enough, and salt or a slow hash would add nothing: those make guessing what people think up dear,
and a token is 256 bits of chance. Nobody finds it from its hash, and no two are alike.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fly_mcp_server.access.names import reserved
from fly_mcp_server.file_lock import lock_waiting
from fly_mcp_server.file_modes import others_may_write
from fly_mcp_tools.clock import Clock

#: What a token of ours begins with, so that scanners for secrets know it and no issuer's is taken for one.
PREFIX: Final = "flymcp_"
_BYTES: Final = 32
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class AgentsFileError(Exception):
    """The file cannot be used; the text says why and what to do."""


class Entry(BaseModel):
    """One live token: whose, and by which hash it is known."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    id: str = Field(pattern=r"^[0-9a-f]{8}$")
    agent: str = Field(pattern=rf"^{_NAME.pattern}$")
    created: str = Field(max_length=40)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class _Content(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    version: Literal[1] = 1
    tokens: list[Entry] = Field(default_factory=list[Entry])


class AgentsFile:
    """The file at `path`; one that is not there holds no tokens.

    `chance`: where tokens come from; it has to be one that nobody can foresee.
    """

    def __init__(
        self, path: Path, clock: Clock, *, chance: Callable[[int], bytes] = secrets.token_bytes
    ) -> None:
        self.path = path
        self._clock = clock
        self._chance = chance

    def read(self) -> tuple[Entry, ...]:
        """All live tokens, oldest first.

        Raises:
            AgentsFileError: the file cannot be read, is no such file, or others may write it.
        """
        try:
            with self.path.open("rb") as file:
                if others_may_write(file):
                    raise AgentsFileError(
                        f"{self.path} can be written by others, who could let themselves in: chmod 600 it."
                    )
                return tuple(_Content.model_validate_json(file.read(), strict=True).tokens)
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise AgentsFileError(f"{self.path} cannot be read: {error.strerror}.") from None
        except ValidationError as error:
            places = ", ".join(".".join(map(str, one["loc"])) or "the whole" for one in error.errors())
            raise AgentsFileError(
                f"{self.path} is not what `fly-mcp agents` writes (wrong: {places}). Move it away and add the "
                "agents again."
            ) from None

    def add(self, agent: str) -> tuple[Entry, str]:
        """Make a token for an agent, which may have others: the entry, and the token, which is nowhere kept.

        Raises:
            AgentsFileError: the name can be none, or the file cannot be used.
        """
        if not _NAME.fullmatch(agent):
            raise AgentsFileError(
                "An agent's name is 1 to 64 letters, digits, dots, dashes and underscores, and begins with a "
                "letter or digit."
            )
        if reserved(agent):
            raise AgentsFileError(f"{agent} is the name of callers that are no agents: choose another.")
        token = PREFIX + _base62(self._chance(_BYTES))
        with self._changing() as tokens:
            taken = {one.id for one in tokens}
            number = self._chance(4).hex()
            while number in taken:
                number = self._chance(4).hex()
            created = datetime.fromtimestamp(self._clock.now(), UTC).isoformat(timespec="seconds")
            entry = Entry(id=number, agent=agent, created=created, sha256=digest(token).hex())
            tokens.append(entry)
        return entry, token

    def revoke(self, agent: str, number: str | None = None) -> tuple[Entry, ...]:
        """Take away an agent's tokens, or the one with this id: those that were taken away, none where there were none.

        Raises:
            AgentsFileError: the file cannot be used.
        """
        with self._changing() as tokens:
            gone = tuple(one for one in tokens if one.agent == agent and number in (None, one.id))
            tokens[:] = [one for one in tokens if one not in gone]
        return gone

    @contextmanager
    def _changing(self) -> Generator[list[Entry]]:
        """The entries, to be changed; written when that went well, and nobody else writes meanwhile."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Not the file itself: it is replaced, and whoever waits would then hold the lock of the old one.
            beside = os.open(self.path.with_name(self.path.name + ".lock"), os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as error:
            raise AgentsFileError(f"{self.path} cannot be written: {error.strerror}.") from None
        try:
            lock_waiting(beside)
            before = self.read()
            tokens = list(before)
            yield tokens
            if tuple(tokens) != before:
                self._write(tokens)
        except OSError as error:
            raise AgentsFileError(f"{self.path} cannot be written: {error.strerror}.") from None
        finally:
            os.close(beside)

    def _write(self, tokens: list[Entry]) -> None:
        new = self.path.with_name(f"{self.path.name}.{os.getpid()}.new")
        text = json.dumps(_Content(tokens=tokens).model_dump(), indent=1) + "\n"
        with suppress(FileNotFoundError):
            new.unlink()  # left by a process of that number that was killed
        file = os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            with open(file, "w", encoding="ascii") as out:
                out.write(text)
                out.flush()
                os.fsync(out.fileno())
            new.replace(self.path)
        except BaseException:
            with suppress(OSError):
                new.unlink()
            raise


def digest(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _base62(chance: bytes) -> str:
    """Letters and digits alone, so that a double click takes the whole; always as many."""
    letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    number, text = int.from_bytes(chance, "big"), ""
    for _ in range(43):  # 62 ** 43 > 2 ** 256
        number, place = divmod(number, 62)
        text += letters[place]
    return text

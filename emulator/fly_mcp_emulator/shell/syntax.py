"""The tree a script is parsed into. Lines count from 1 and are kept for error messages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Literal:
    """Text as written. Unquoted text is subject to file name patterns."""

    text: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Parameter:
    """`$NAME` or `${NAME op WORD}`; `op` is empty, `length`, or one of `:- - := = :+ + :? ? % %% # ##`."""

    name: str
    op: str = ""
    word: Word | None = None
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Substitution:
    """`$(...)` or backticks."""

    script: Node
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`$((...))`: the expression is itself expanded first."""

    expression: Word
    quoted: bool = False


Part: TypeAlias = Literal | Parameter | Substitution | Arithmetic


@dataclass(frozen=True, slots=True)
class Word:
    """Parts written without a space between them."""

    parts: tuple[Part, ...] = ()

    def plain(self) -> str | None:
        """Return the text when it is all literal and unquoted, as reserved words have to be."""
        if all(isinstance(part, Literal) and not part.quoted for part in self.parts):
            return "".join(part.text for part in self.parts if isinstance(part, Literal))
        return None


@dataclass(frozen=True, slots=True)
class Redirect:
    """`fd op target`; `op` is one of `< > >> >& <& << <<<`. A here-document's target is its text."""

    fd: int
    op: str
    target: Word


@dataclass(frozen=True, slots=True)
class Simple:
    """Assignments, a command with its arguments, redirections; any of them may be missing."""

    assignments: tuple[tuple[str, Word], ...]
    words: tuple[Word, ...]
    redirects: tuple[Redirect, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands joined by `|`, with `!` in front or not."""

    commands: tuple[Node, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class AndOr:
    """A pipeline and those after it, each with its `&&` or `||`."""

    first: Node
    rest: tuple[tuple[str, Node], ...]


@dataclass(frozen=True, slots=True)
class Sequence:
    """Commands one after another."""

    items: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class If:
    """`if`, any number of `elif`, perhaps `else`."""

    branches: tuple[tuple[Node, Node], ...]
    otherwise: Node | None


@dataclass(frozen=True, slots=True)
class While:
    """`while`, or `until` when `until` is true."""

    condition: Node
    body: Node
    until: bool


@dataclass(frozen=True, slots=True)
class For:
    """`for name in words`; `words` is `None` for the positional parameters."""

    name: str
    words: tuple[Word, ...] | None
    body: Node


@dataclass(frozen=True, slots=True)
class Group:
    """`{ ...; }`, or `( ... )` when `subshell` is true; also what carries a compound's redirections."""

    body: Node
    subshell: bool = False
    redirects: tuple[Redirect, ...] = field(default=())


Node: TypeAlias = Simple | Pipeline | AndOr | Sequence | If | While | For | Group

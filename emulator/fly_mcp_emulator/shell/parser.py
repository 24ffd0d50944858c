"""Makes a tree of a script's tokens, by descent (POSIX shell, 2.10)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .budget import MAX_COMMAND_TEXT, MAX_DEPTH
from .errors import LimitError, NotModelledError
from .lexer import Lexer, Token, unexpected
from .syntax import AndOr, For, Group, If, Literal, Node, Pipeline, Redirect, Sequence, Simple, While, Word

_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z_0-9]*)(\+?)=")
_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]*\Z")
_REDIRECTS = ("<", ">", ">>", ">|", "<&", ">&", "<<", "<<<")
_CLOSING = frozenset({"then", "elif", "else", "fi", "do", "done", "}", "esac", "in"})
_REFUSED = {
    "case": "case",
    "function": "a function",
    "[[": "[[ ]]",
    "select": "select",
    "coproc": "coproc",
    "((": "(( ))",
}


def parse(text: str, depth: int = 0) -> Node:
    """Return the tree of a whole script; `depth` counts the substitutions around it.

    Raises: `SyntaxFaultError` for what no shell takes, `NotModelledError` for what a real one would.
    """
    if len(text) > MAX_COMMAND_TEXT:
        raise LimitError("a script longer than 128 KiB")
    parser = _Parser(Lexer(text, depth).tokens(), depth)
    return parser.script()


class _Parser:
    def __init__(self, tokens: list[Token], depth: int) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = depth

    def script(self) -> Node:
        node = self._sequence(())
        if self._here.kind != "end":
            raise unexpected(self._here)
        return node

    @property
    def _here(self) -> Token:
        return self._tokens[self._at]

    def _next(self) -> Token:
        token = self._here
        if token.kind != "end":
            self._at += 1
        return token

    def _is_operator(self, *texts: str) -> bool:
        return self._here.kind == "operator" and self._here.text in texts

    def _reserved(self) -> str:
        """Return the word here if nothing in it is quoted: only such a word can be a reserved one."""
        return (self._here.word.plain() or "") if self._here.kind == "word" else ""

    def _expect(self, word: str) -> None:
        found = self._here.text if self._here.kind == "operator" else self._reserved()
        if found != word:
            raise unexpected(self._here)
        self._next()

    def _skip_newlines(self) -> None:
        while self._here.kind == "newline":
            self._next()

    def _sequence(self, until: Iterable[str]) -> Node:
        stop = frozenset(until)
        items: list[Node] = []
        while True:
            self._skip_newlines()
            if self._here.kind == "end" or self._is_operator(")"):
                break
            if (word := self._reserved()) and word in _CLOSING:
                if word in stop:
                    break
                raise unexpected(self._here)
            items.append(self._and_or())
            if self._is_operator("&"):
                raise NotModelledError("'&' (running in the background)")
            if self._is_operator(";"):
                self._next()
            elif self._here.kind != "newline":
                break
        return Sequence(tuple(items))

    def _body(self, *until: str) -> Node:
        """Read a list that may not be empty."""
        node = self._sequence(until)
        if isinstance(node, Sequence) and not node.items:
            raise unexpected(self._here)
        return node

    def _and_or(self) -> Node:
        first = self._pipeline()
        rest: list[tuple[str, Node]] = []
        while self._is_operator("&&", "||"):
            operator = self._next().text
            self._skip_newlines()
            rest.append((operator, self._pipeline()))
        return AndOr(first, tuple(rest)) if rest else first

    def _pipeline(self) -> Node:
        negated = False
        while self._reserved() == "!":
            self._next()
            negated = not negated
        commands = [self._command()]
        while self._is_operator("|"):
            self._next()
            self._skip_newlines()
            commands.append(self._command())
        return Pipeline(tuple(commands), negated) if negated or len(commands) > 1 else commands[0]

    def _command(self) -> Node:
        word = self._reserved()
        if word in _REFUSED:
            raise NotModelledError(_REFUSED[word])
        if word in _CLOSING and word != "in":
            raise unexpected(self._here)
        compound = {
            "if": self._if,
            "while": self._while,
            "until": self._while,
            "for": self._for,
            "{": self._group,
        }
        if self._is_operator("("):
            reader = self._group
        elif word in compound:
            reader = compound[word]
        else:
            return self._simple()
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise LimitError(f"nesting deeper than {MAX_DEPTH} levels")
        node = reader()
        self._depth -= 1
        redirects = tuple(self._redirects())
        return Group(node, redirects=redirects) if redirects else node

    def _if(self) -> Node:
        branches: list[tuple[Node, Node]] = []
        otherwise: Node | None = None
        self._next()
        while True:
            condition = self._body("then")
            self._expect("then")
            branches.append((condition, self._body("elif", "else", "fi")))
            if self._reserved() != "elif":
                break
            self._next()
        if self._reserved() == "else":
            self._next()
            otherwise = self._body("fi")
        self._expect("fi")
        return If(tuple(branches), otherwise)

    def _while(self) -> Node:
        until = self._next().text == "until"
        condition = self._body("do")
        return While(condition, self._do(), until)

    def _do(self) -> Node:
        self._expect("do")
        body = self._body("done")
        self._expect("done")
        return body

    def _for(self) -> Node:
        self._next()
        name = self._reserved()
        if self._is_operator("("):
            raise NotModelledError("for (( ))")
        if not _NAME.match(name):
            raise unexpected(self._here)
        self._next()
        self._skip_newlines()
        words: list[Word] | None = None
        if self._reserved() == "in":
            self._next()
            words = []
            while self._here.kind == "word":
                words.append(self._next().word)
        if self._is_operator(";"):
            self._next()
        self._skip_newlines()
        return For(name, None if words is None else tuple(words), self._do())

    def _group(self) -> Node:
        subshell = self._next().text == "("
        if subshell and self._is_operator("("):
            raise NotModelledError("(( ))")
        body = self._body("}")
        self._expect(")" if subshell else "}")
        return Group(body, subshell)

    def _redirects(self) -> Iterable[Redirect]:
        while self._is_operator(*_REDIRECTS):
            yield self._redirect()

    def _redirect(self) -> Redirect:
        operator = self._next()
        if self._here.kind != "word":
            raise unexpected(self._here)
        fd = operator.fd if operator.fd is not None else (0 if operator.text.startswith("<") else 1)
        if fd > 2:
            raise NotModelledError(f"file descriptor {fd}")
        return Redirect(fd, ">" if operator.text == ">|" else operator.text, self._next().word)

    def _simple(self) -> Node:
        line = self._here.line
        assignments: list[tuple[str, Word]] = []
        words: list[Word] = []
        redirects: list[Redirect] = []
        while True:
            if self._is_operator(*_REDIRECTS):
                redirects.append(self._redirect())
            elif self._here.kind == "word":
                word = self._next().word
                assignment = None if words else _assignment(word)
                if assignment:
                    assignments.append(assignment)
                else:
                    words.append(word)
            else:
                break
        if self._is_operator("(") and (words or assignments):
            raise NotModelledError("a function" if words else "an array")
        if not (assignments or words or redirects):
            raise unexpected(self._here)
        return Simple(tuple(assignments), tuple(words), tuple(redirects), line)


def _assignment(word: Word) -> tuple[str, Word] | None:
    first = word.parts[0] if word.parts else None
    if not isinstance(first, Literal) or first.quoted:
        return None
    found = _ASSIGNMENT.match(first.text)
    if not found:
        return None
    if found[2]:
        raise NotModelledError(f"{found[0]}")
    rest = first.text[found.end() :]
    parts = word.parts[1:]
    return found[1], Word((Literal(rest), *parts) if rest else parts)

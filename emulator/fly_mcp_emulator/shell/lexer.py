"""Cuts a script into words, operators and newlines (POSIX shell, 2.3), here-documents included."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal as OneOf

from .errors import NotModelledError, SyntaxFaultError
from .quoting import WordReader
from .syntax import Literal, Word

_OPERATORS = (
    *("<<<", "<<-", "&>>", "&&", "||", ";;", "<<", ">>", "<&", ">&", "<>", ">|", "|&", "&>", "<(", ">("),
    *("<", ">", "&", "|", ";", "(", ")"),
)
_REFUSED = {
    *("<>", "|&", "&>", "&>>", "<(", ">(", "<<-"),
}
_METACHARACTERS = " \t\n;&|<>()"
_BRACES = re.compile(r"\{[^{}\s]*(,|\.\.)[^{}\s]*\}")


_NO_WORD = Word()


@dataclass(frozen=True, slots=True)
class Token:
    """A word with its parts, or an operator. `text` is as typed; `fd` the number before `<` or `>`."""

    kind: OneOf["word", "operator", "newline", "end"]
    text: str
    line: int
    word: Word = _NO_WORD
    fd: int | None = None


class Lexer:
    """Reads one script; `depth` counts the substitutions around it."""

    def __init__(self, text: str, depth: int = 0) -> None:
        self._reader = WordReader(text, depth)
        self._tokens: list[Token] = []
        self._waiting: list[tuple[int, str, bool]] = []
        """Here-documents promised on this line: index of the delimiter's token, delimiter, quoted or not."""

    def tokens(self) -> list[Token]:
        """Return all tokens, the last one of kind `end`. Raises: `SyntaxFaultError`, `NotModelledError`."""
        reader = self._reader
        while reader.skip_blanks():
            char = reader.peek()
            if char == "\n":
                self._add("newline", reader.take(1))
                self._read_here_documents()
            elif char == "#":
                reader.skip_line()
            elif char in _METACHARACTERS:
                self._read_operator(None)
            else:
                self._read_word()
        self._read_here_documents()
        self._add("end", "")
        return self._tokens

    def _add(
        self, kind: OneOf["word", "operator", "newline", "end"], text: str, fd: int | None = None
    ) -> None:
        self._tokens.append(Token(kind, text, self._reader.line, fd=fd))

    def _read_operator(self, fd: int | None) -> None:
        operator = next(each for each in _OPERATORS if self._reader.starts(each))
        if operator in _REFUSED:
            raise NotModelledError(f"'{operator}'")
        self._add("operator", self._reader.take(len(operator)), fd)

    def _read_word(self) -> None:
        reader = self._reader
        start, line = reader.at, reader.line
        word = reader.word(_METACHARACTERS)
        source = reader.source(start)
        if source.isdecimal() and source.isascii() and len(source) == 1 and reader.peek() in ("<", ">"):
            self._read_operator(int(source))
            return
        for part in word.parts:
            if isinstance(part, Literal) and not part.quoted and _BRACES.search(part.text):
                raise NotModelledError("brace expansion")
        if self._tokens and self._tokens[-1].kind == "operator" and self._tokens[-1].text == "<<":
            plain = word.plain()
            quoted = plain is None
            if not all(isinstance(part, Literal) for part in word.parts):
                raise NotModelledError(f"the here-document delimiter {source}")
            delimiter = "".join(part.text for part in word.parts if isinstance(part, Literal))
            self._waiting.append((len(self._tokens), delimiter, quoted))
        self._tokens.append(Token("word", source, line, word))

    def _read_here_documents(self) -> None:
        for index, delimiter, quoted in self._waiting:
            line = self._reader.line
            text = self._reader.here_document(delimiter)
            body = Word((Literal(text, quoted=True),)) if quoted else self._reader.inner(text).here_body()
            self._tokens[index] = Token("word", delimiter, line, body)
        self._waiting.clear()


def unexpected(token: Token) -> SyntaxFaultError:
    """Return dash's complaint about a token that stands where none of its kind may."""
    if token.kind == "end":
        return SyntaxFaultError("Syntax error: end of file unexpected", token.line)
    shown = "newline" if token.kind == "newline" else f'"{token.text}"'
    return SyntaxFaultError(f"Syntax error: {shown} unexpected", token.line)

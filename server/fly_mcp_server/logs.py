"""Log lines: to stderr alone, with the token taken out, and nothing in them that a terminal would obey.

The standard library's logging, not structlog: nothing here needs more, and structlog's import is 8 % of the
start-up time that we publish.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class _Redacting(logging.Formatter):
    """Formats a record, tracebacks included, takes the token out of the text, and writes out what is no letter.

    What others sent can end up in a line: through a library, or in an error. It must not move the cursor of whoever
    reads it, nor begin a line that looks like another one.
    """

    def __init__(self, redact: Callable[[str], str]) -> None:
        super().__init__(FORMAT)
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        lines = self._redact(super().format(record)).split("\n")
        return "\n".join(map(printable, lines))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the base class's name
        """The line without a traceback, which alone may go on in further lines."""
        return super().formatMessage(record).replace("\n", "\\n")


def printable(text: str) -> str:
    """The text, with everything that is not to be seen as what it is written out, as Python would."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def configure(level: str, redact: Callable[[str], str] = lambda text: text) -> None:
    """Send log records of `level` and above to stderr.

    Called before the SDK's server is made: the SDK configures logging too, and leaves alone what is there.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Redacting(redact))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # httpx2 logs each URL at info: ids belong into our own line, once. The SDK repeats at debug what it could
    # not read of a line, which may be half of a call that sets secrets.
    for name, least in (("httpx2", logging.WARNING), ("httpcore2", logging.WARNING), ("mcp", logging.INFO)):
        logging.getLogger(name).setLevel(max(least, root.level))

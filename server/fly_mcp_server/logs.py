"""Log lines: to stderr alone, with the token taken out.

The standard library's logging, not structlog: nothing here needs more, and structlog's import is 8 % of the
start-up time that we publish.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class _Redacting(logging.Formatter):
    """Formats a record, tracebacks included, and takes the token out of the text."""

    def __init__(self, redact: Callable[[str], str]) -> None:
        super().__init__(FORMAT)
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        return self._redact(super().format(record))


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

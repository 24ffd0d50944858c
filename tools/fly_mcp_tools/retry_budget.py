"""How many repetitions all calls of a client may make together: a sick Fly is not hammered.

Each call by itself tries at most four times; a hundred calls would then send a Fly that is down four hundred
requests, just when it can bear them least. Clear answers fill the budget, repetitions use it up: while all
goes well nobody notices it, in an outage each call is soon sent once and no more. (botocore's retry quota;
without its clock, so that it does not fill while nothing is asked.)
"""

from __future__ import annotations

from typing import Final

#: Repetitions in a total outage, however many calls there are: what five calls could use up.
CAPACITY: Final = 20.0
#: Two clear answers earn one repetition: with a third of all requests failing, each of them is still repeated.
PER_ANSWER: Final = 0.5


class RetryBudget:
    """A count between 0 and `capacity`, full at first. Pure: no clock, no chance, no waiting."""

    def __init__(self, *, capacity: float = CAPACITY, per_answer: float = PER_ANSWER) -> None:
        self._capacity = capacity
        self._per_answer = per_answer
        self._left = capacity

    def take(self) -> bool:
        """Take what one repetition costs; False, and nothing taken, where too little is left."""
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def answered(self) -> None:
        """Note a clear answer, yes or no: Fly is there."""
        self._left = min(self._capacity, self._left + self._per_answer)

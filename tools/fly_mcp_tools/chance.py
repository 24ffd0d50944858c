"""Chance, injected: nothing else in this package makes a random number generator."""

from random import Random, SystemRandom  # noqa: TID251 - the one place that names them

__all__ = ["Random", "SystemRandom"]

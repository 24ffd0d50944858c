"""Makers of random calls, by what the calls are about. The table is in `tests/chaos/generators.py`."""

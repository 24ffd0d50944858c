"""Judges of answers, by what the calls are about. The table is in `tests/chaos/claims.py`."""

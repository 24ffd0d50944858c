"""What outlives a call and the process: intents by request id, and what can be undone.

    store.py     where it lies: one SQLite file in a directory of the operator's, 0700
    intents.py   the same request id never does the same thing twice
    undo.py      configs of destroyed machines, for thirty days

Secret values are never stored: an intent knows its arguments by a keyed digest alone.
"""

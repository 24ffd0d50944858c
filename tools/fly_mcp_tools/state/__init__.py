"""What outlives a call and the process: intents by request id, and what can be undone.

    store.py     where it lies: one SQLite file in a directory of the operator's, 0700
    presence.py  which processes are at work on it
    journal.py   what a composite writes down before it acts, so that a killed process goes on from there
    intents.py   the same request id never does the same thing twice
    undo.py      configs of destroyed machines, for thirty days

Secret values are never stored with an intent: it knows its arguments by a keyed digest alone. The undo store
holds whole configs, whose env and files may hold secrets; no answer shows them.
"""

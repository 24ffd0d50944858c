"""Actions that take several calls: each module has its params, its result and its `run`."""

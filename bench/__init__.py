"""`make bench`: what fly-mcp costs, as ratios to what it stands on, measured in one run."""

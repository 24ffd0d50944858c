"""`python -m fly_mcp_server` is `fly-mcp`."""

from .cli import main

main()

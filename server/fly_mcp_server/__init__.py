"""The MCP server of fly-mcp: transports, consent, audit and the command line."""

__version__ = "0.1.0"

"""Fly.io for agents: the action table, the shared async client, the composite actions. Knows nothing of MCP."""

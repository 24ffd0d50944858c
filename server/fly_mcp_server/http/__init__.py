"""MCP over a network: Streamable HTTP for every protocol era, and the older SSE transport beside it.

What a request passes, in this order: `protocol` (slow, too many), `doors` (Host and Origin), `failures` (wrong
tokens), the SDK's check of the token, `work` (shutting down), and the SDK.
"""

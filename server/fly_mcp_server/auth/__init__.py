"""Who an agent is on a network transport: by a token of our own, or by one of an OAuth issuer.

`parts.parts` makes what the HTTP app needs. Nothing is imported here: the commands want the file alone.
"""

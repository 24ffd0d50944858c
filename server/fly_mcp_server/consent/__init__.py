"""Asking a human before something is done: the effect `ask` of a rule, by MCP elicitation.

approval    one running call: who can ask, is there an answer, does it hold; else it raises
channel     how the human behind a request is reached, in each era of the protocol
facts       what is so at Fly right now
question    these facts as text
state       what the client carries from the question to the answer
sealing     so that it cannot be read or altered on the way
spent       so that it counts once
refusals    each way to be told no
"""

"""Each way to be told no by whoever was asked, or was not: different words, since different steps come next."""

from __future__ import annotations

from typing import Final, Literal

from fly_mcp_tools.errors import Code, RefusedByUs

Kind = Literal[
    "declined", "cancelled", "no_yes", "expired", "changed", "other", "used", "cannot_ask", "too_long"
]
"""What became of the question; `details.consent` of the error."""

_NOTHING: Final = "Nothing was changed."


class NoConsent(RefusedByUs):
    """A human had to approve the call, and did not. `kind` says how it came to that."""

    def __init__(
        self, kind: Kind, message: str, *, hint: str, code: Code = Code.NOT_ALLOWED, retryable: bool = False
    ) -> None:
        super().__init__(
            f"{message} {_NOTHING}", hint=hint, code=code, retryable=retryable, facts={"consent": kind}
        )
        self.kind: Kind = kind


def declined(action: str) -> NoConsent:
    """They said no."""
    return NoConsent(
        "declined",
        f"The human who was asked declined {action}.",
        hint="Do not ask for the same again; find out from them what they want instead.",
    )


def cancelled(action: str) -> NoConsent:
    """They closed the question."""
    return NoConsent(
        "cancelled",
        f"The question about {action} was closed without an answer, which is no consent.",
        hint="If they want it after all, repeat the call: they are asked anew.",
    )


def no_yes(action: str) -> NoConsent:
    """The form came back without the one value that counts."""
    return NoConsent(
        "no_yes",
        f"The form about {action} came back without an explicit yes: only approve with the boolean true is one.",
        hint="If they want it, repeat the call: they are asked anew.",
    )


def expired(action: str, seconds: float) -> NoConsent:
    """The answer came too late, or not at all."""
    return NoConsent(
        "expired",
        f"The question about {action} expired: an answer counts for {seconds:.0f} s.",
        hint="Repeat the call: they are asked anew, about what is so then.",
        code=Code.TIMEOUT,
        retryable=True,
    )


def changed(action: str, parts: list[str], *, gone: str = "") -> NoConsent:
    """What they were shown is not so any more. `gone`: what Fly says where it cannot be looked at again."""
    what = " and the ".join(parts)
    how = f"the {what} {'is' if len(parts) == 1 else 'are'} no longer as shown"
    return NoConsent(
        "changed",
        f"The world has changed since the human was asked about {action}, and so the answer does not count: "
        f"{gone.rstrip('.') or how}.",
        hint="Look at the present state, and repeat the call if it is still wanted: they are asked anew.",
        code=Code.CONFLICT,
        retryable=True,
    )


def other(action: str) -> NoConsent:
    """The state that came with the answer is not for this call."""
    return NoConsent(
        "other",
        f"The consent that came with this call of {action} is for something else: it is altered, of another agent, "
        "action or arguments, or not from this server.",
        hint="Repeat the call with the same arguments and without it: the human is asked anew.",
    )


def used(action: str) -> NoConsent:
    """Its answer was given before."""
    return NoConsent(
        "used",
        f"The consent that came with this call of {action} was answered before; each holds for one call.",
        hint="Look whether the earlier call did it. If it is to be done once more, repeat the call without it.",
    )


def cannot_ask(action: str, why: str) -> NoConsent:
    """There is no way to the human."""
    return NoConsent(
        "cannot_ask",
        f"{action} has to be approved by a human here, and cannot be: {why}.",
        hint="It can be done through a client that puts questions to its user (MCP elicitation); or the operator of "
        "this server can allow it, by a rule with effect allow.",
    )


def too_long(action: str, length: int, most: int) -> NoConsent:
    """Nobody is asked about what they could not see whole."""
    return NoConsent(
        "too_long",
        f"{action} has to be approved by a human here, who has to see the whole command: as JSON it has {length} "
        f"characters, and at most {most} are shown.",
        hint="Run it in shorter commands, each of which is asked about; or the operator of this server can allow it, "
        "by a rule with effect allow.",
    )

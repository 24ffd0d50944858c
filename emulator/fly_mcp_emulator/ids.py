"""Identifiers in Fly's shapes, the same ones again for the same seed (reference 2.1)."""

from __future__ import annotations

import hashlib

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_BASE32_LOWER = "0123456789abcdefghjkmnpqrstvwxyz"
_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_HEX = "0123456789abcdef"


def _words(text: str) -> list[str]:
    return text.split()


_ADJECTIVES = _words(
    "aged ancient autumn billowing bitter black blue bold broken cold cool crimson damp dark dawn delicate "
    "divine dry empty falling floral fragrant frosty green hidden holy icy late lingering little lively long "
    "misty morning muddy nameless old patient polished proud purple quiet red restless rough shy silent "
    "small snowy solitary sparkling spring still summer throbbing twilight wandering weathered white wild "
    "winter wispy withered young"
)
_NOUNS = _words(
    "bird breeze brook bush butterfly cherry cloud darkness dawn dew dream dust feather field fire firefly "
    "flower fog forest frog frost glade glitter grass haze hill lake leaf meadow moon morning mountain night "
    "paper pine pond rain resonance river sea shadow shape silence sky smoke snow snowflake sound star sun "
    "sunset surf thunder tree violet voice water waterfall wave wildflower wind wood"
)


class Ids:
    """A stream of identifiers: the n-th one depends on seed, stream and n alone.

    `made` counts them; that of the stream "world" is part of a dumped world, so that a loaded one goes on
    with fresh ids. Requests and dice have streams of their own: a look must not change what is made next.
    """

    def __init__(self, seed: int = 0, made: int = 0, stream: str = "world") -> None:
        self.seed = seed
        self.made = made
        self.stream = stream

    def _number(self, bits: int = 256) -> int:
        self.made += 1
        digest = hashlib.blake2b(f"{self.stream}:{self.seed}:{self.made}".encode(), digest_size=32).digest()
        return int.from_bytes(digest, "big") % (1 << bits)

    def _text(self, alphabet: str, length: int) -> str:
        number, letters = self._number(), list[str]()
        for _ in range(length):
            number, index = divmod(number, len(alphabet))
            letters.append(alphabet[index])
        return "".join(letters)

    def chance(self) -> float:
        """Return a number in [0, 1): the dice of fault rules with a probability."""
        return self._number(53) / (1 << 53)

    def machine(self) -> str:
        """Return 14 hex digits, beginning with a digit as in all examples of Fly's docs."""
        return self._text(_HEX[1:10], 1) + self._text(_HEX, 13)

    def machine_name(self) -> str:
        """Return two words and a number: `aged-thunder-7371`."""
        number = self._number()
        number, adjective = divmod(number, len(_ADJECTIVES))
        number, noun = divmod(number, len(_NOUNS))
        return f"{_ADJECTIVES[adjective]}-{_NOUNS[noun]}-{number % 9000 + 1000}"

    def ulid(self, at: float) -> str:
        """Return a ULID whose first ten characters carry the moment `at` (epoch seconds)."""
        moment, letters = max(0, int(at * 1000)), list[str]()
        for _ in range(10):
            moment, index = divmod(moment, 32)
            letters.append(_CROCKFORD[index])
        # The random part counts upwards, so that ids of one millisecond sort in the order they were made.
        self.made += 1
        counter, tail = self.made, list[str]()
        for _ in range(6):
            counter, index = divmod(counter, 32)
            tail.append(_CROCKFORD[index])
        return "".join(reversed(letters)) + "".join(reversed(tail)) + self._text(_CROCKFORD, 10)

    def request(self, at: float, region: str) -> str:
        """Return a request id: a ULID and the edge region that took the request."""
        return f"{self.ulid(at)}-{region}"

    def volume(self) -> str:
        """Return `vol_` and 16 characters."""
        return "vol_" + self._text(_BASE32_LOWER, 16)

    def snapshot(self) -> str:
        """Return `vs_` and 20 base-58 characters."""
        return "vs_" + self._text(_BASE58, 20)

    def app(self) -> str:
        """Return an app id of 16 characters."""
        return self._text(_BASE36, 16)

    def number(self) -> int:
        """Return a positive 31-bit number, as in `internal_numeric_id`."""
        return self._number(31) | 1

    def nonce(self) -> str:
        """Return a lease nonce: 12 hex digits."""
        return self._text(_HEX, 12)

    def hex(self, length: int) -> str:
        """Return `length` hex digits."""
        return self._text(_HEX, length)

    def base58(self, length: int) -> str:
        """Return `length` base-58 characters, as in release and token ids."""
        return self._text(_BASE58, length)

    def uuid(self) -> str:
        """Return something of the form of a UUID."""
        digits = self._text(_HEX, 32)
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

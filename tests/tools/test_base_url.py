"""Where Fly's API is: one trusted address, or a clear refusal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fly_mcp_tools.base_url import parse_base_url
from fly_mcp_tools.errors import NotConfigured


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        (None, "https://api.machines.dev"),
        ("", "https://api.machines.dev"),
        ("  ", "https://api.machines.dev"),
        ("https://api.machines.dev", "https://api.machines.dev"),
        ("https://api.machines.dev/", "https://api.machines.dev"),
        ("https://api.machines.dev/v1", "https://api.machines.dev"),
        (" https://api.machines.dev/v1/ ", "https://api.machines.dev"),
        ("HTTPS://API.Machines.dev:8443", "https://api.machines.dev:8443"),
        ("https://[2001:db8::1]:8443/v1", "https://[2001:db8::1]:8443"),
        ("http://127.0.0.1:4280", "http://127.0.0.1:4280"),
        ("http://127.9.8.7", "http://127.9.8.7"),
        ("http://localhost:4280/", "http://localhost:4280"),
        ("http://[::1]:4280", "http://[::1]:4280"),
        ("http://_api.internal:4280", "http://_api.internal:4280"),
        ("http://_api.internal:4280/v1", "http://_api.internal:4280"),
        ("http://_api.internal", "http://_api.internal"),
    ],
)
def test_good_addresses_become_an_origin(text: str | None, origin: str) -> None:
    """Fly's docs write the address with and without /v1; reference 1.1 names the internal host."""
    assert parse_base_url(text).origin == origin


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("api.machines.dev", "https://"),
        ("api.machines.dev:443/v1", "https://"),
        ("localhost:4280", "https://"),
        ("http://api.machines.dev", "unencrypted"),
        ("http://192.168.1.5:4280", "unencrypted"),
        ("http://0.0.0.0:4280", "unencrypted"),
        ("http://128.0.0.1", "unencrypted"),
        ("http://127.1", "unencrypted"),
        ("http://localhost.evil.example", "unencrypted"),
        ("http://127.0.0.1.evil.example", "unencrypted"),
        ("http://evil_api.internal:4280", "unencrypted"),
        ("http://[::2]", "unencrypted"),
        ("http://[::ffff:8.8.8.8]", "unencrypted"),
        ("https://user:secretword@api.machines.dev", "password"),
        ("https://secretword@api.machines.dev", "password"),
        ("https://api.machines.dev@evil.example", "password"),
        ("https://api.machines.dev/v1?x=secretword", "query"),
        ("https://api.machines.dev?", "query"),
        ("https://api.machines.dev/#x", "fragment"),
        ("https://api.machines.dev/v2", "path"),
        ("https://api.machines.dev/v1/apps", "path"),
        ("https://api.machines.dev//", "path"),
        ("https://api.machines.dev/fly/v1", "path"),
        ("https://api.machines.dev/v1/..", "path"),
        ("ftp://api.machines.dev", "https://"),
        ("file:///etc/passwd", "path"),
        ("unix:///.fly/api", "path"),
        ("https://", "cannot be read|can be read"),
        ("https:///v1", "can be read"),
        ("https://:443", "can be read"),
        ("https://api.machines.dev:", "can be read"),
        ("https://api.machines.dev:0", "can be read"),
        ("https://api.machines.dev:99999", "can be read"),
        ("https://api.machines.dev:x", "can be read"),
        ("https://[::1", "can be read"),
        ("https://[secretword]", "can be read"),
        ("https://-x", "can be read"),
        ("https://a..b", "can be read"),
        ("https://api.machines.dev\\@evil.example", "characters"),
        ("https://api.machines.dev%2f", "characters"),
        ("https://api machines.dev", "characters"),
        ("https://api.machines.dev\r\nX: y", "characters"),
        ("https://аpi.machines.dev", "characters"),  # noqa: RUF001 - a Cyrillic letter, on purpose
        ("https://api.machines.dev\x00", "characters"),
    ],
)
def test_bad_addresses_are_refused_naming_the_setting_and_not_the_value(text: str, why: str) -> None:
    """Ours: the token goes wherever this points, so nothing is guessed and no password repeated."""
    with pytest.raises(NotConfigured, match=why) as refused:
        parse_base_url(text)
    assert "FLY_API_HOSTNAME" in refused.value.message
    assert "secretword" not in refused.value.message + refused.value.hint


@given(st.text(max_size=80).map(lambda tail: "https://" + tail) | st.text(max_size=80))
def test_any_text_is_an_origin_or_refused(text: str) -> None:
    """Ours: an accepted address has a scheme, a host and nothing else, and reads back as itself."""
    try:
        base = parse_base_url(text)
    except NotConfigured:
        return
    assert parse_base_url(base.origin) == base
    assert base.origin.count("/") == 2
    assert not set(base.origin) & set("@?#\\% \n")

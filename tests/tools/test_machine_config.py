"""What callers say of a machine's config, held against Fly's own schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast

import pytest
from pydantic import ValidationError

from fly_mcp_tools.machine_config import checked, schemas

from .machine_config import DOCUMENT, SHIPPED, part_of, written

#: Words of JSON Schema that the walker knows.
WORDS = {"type", "properties", "additionalProperties", "items", "enum", "required", "$ref", "allOf"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    return loaded


def test_what_is_shipped_is_flys_document(document: dict[str, Any]) -> None:
    """The issue: checked against the OpenAPI schema. `python -m tests.tools.machine_config` writes it anew."""
    assert schemas() == part_of(document)


@pytest.mark.skipif(not SHIPPED.is_file(), reason="against a wheel")
def test_the_file_is_as_it_is_written(document: dict[str, Any]) -> None:
    """Ours: a later version of the document is a readable diff."""
    assert SHIPPED.read_text(encoding="utf-8") == written(part_of(document))


def _words(node: object) -> Iterator[str]:
    if isinstance(node, list):
        for item in cast("list[object]", node):
            yield from _words(item)
    elif isinstance(node, dict):
        for key, value in cast("dict[str, Any]", node).items():
            yield key
            for child in value.values() if key == "properties" else [value]:
                yield from _words(child)


def test_the_walker_knows_each_word_of_it() -> None:
    """Ours: a word that it does not know would be a check left out."""
    assert {word for schema in schemas().values() for word in _words(schema)} <= WORDS


def _sample(node: dict[str, Any], depth: int = 0) -> Any:
    """A value that fits, with every key."""
    while "$ref" in node or "allOf" in node:
        node = schemas()[node["$ref"]] if "$ref" in node else node["allOf"][0]
    if "enum" in node:
        return node["enum"][0]
    if node["type"] == "object":
        if "properties" in node:
            return {key: _sample(inner, depth + 1) for key, inner in node["properties"].items()}
        return {"a": _sample(node["additionalProperties"])} if "additionalProperties" in node else {"x": [1]}
    return {"array": lambda: [_sample(node["items"], depth + 1)], "string": lambda: "x"}.get(
        node["type"], lambda: True if node["type"] == "boolean" else 1
    )()


def _places(value: object, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every object and every value inside, by where it is."""
    yield at
    if isinstance(value, dict):
        for key, item in cast("dict[str, Any]", value).items():
            yield from _places(item, (*at, key))
    elif isinstance(value, list):
        for number, item in enumerate(cast("list[object]", value)):
            yield from _places(item, (*at, number))


def _put(whole: Any, at: tuple[str | int, ...], value: Any) -> Any:
    copy = json.loads(json.dumps(whole))
    if not at:
        return value
    node = copy
    for part in at[:-1]:
        node = node[part]
    node[at[-1]] = value
    return copy


def _problems(config: Any) -> dict[tuple[str | int, ...], str]:
    with pytest.raises(ValidationError) as caught:
        checked(config)
    return {one["loc"]: str(one.get("ctx", {}).get("error")) for one in caught.value.errors()}


WHOLE: dict[str, Any] = _sample({"$ref": "fly.MachineConfig"})


def test_a_config_with_every_key_passes() -> None:
    """Ours: nothing of the document is refused."""
    assert checked(WHOLE) == WHOLE


def test_an_unknown_key_is_refused_in_every_object() -> None:
    """The issue: at every depth, because Fly ignores it without a word."""
    objects = [at for at in _places(WHOLE) if isinstance(_get(WHOLE, at), dict) and not _is_free(at)]
    assert len(objects) > 40
    for at in objects:
        if "a" not in _get(WHOLE, at):  # a name of the caller's own
            place = (*at, "zz_top")
            assert "is not a key of Fly's machine config" in _problems(_put(WHOLE, place, 1))[place]


def _is_free(at: tuple[str | int, ...]) -> bool:
    """Where Fly takes any JSON: the headers that a port adds to answers."""
    return "response" in at and "headers" in at


def _get(whole: Any, at: tuple[str | int, ...]) -> Any:
    for part in at:
        whole = whole[part]
    return whole


def test_a_wrong_type_is_named_at_every_place() -> None:
    """The issue: and the value is not repeated."""
    places = [at for at in _places(WHOLE) if at and not _is_free(at)]
    assert len(places) > 150
    for at in places:
        other = "c4n4ry" if isinstance(_get(WHOLE, at), dict) else {"c4n4ry": 1}
        for wrong in (other, [["c4n4ry"]]):
            told = _problems(_put(WHOLE, at, wrong))
            assert any(place[: len(at)] == at for place in told), (at, wrong)
            assert "c4n4ry" not in " ".join(told.values())


@pytest.mark.parametrize(
    ("config", "place", "words"),
    [
        ({"restart": {"polcy": "no"}}, ("restart", "polcy"), "did you mean policy?"),
        ({"stopConfig": {}}, ("stopConfig",), "did you mean stop_config?"),
        (
            {"services": [{"internalPort": 80}]},
            ("services", 0, "internalPort"),
            "did you mean internal_port?",
        ),
        ({"checks": {"up": {"interval": 15}}}, ("checks", "up", "interval"), 'such as "15s"'),
        ({"guest": {"cpus": "2"}}, ("guest", "cpus"), "must be a number, without quotes"),
        ({"guest": {"cpus": 1.5}}, ("guest", "cpus"), "must be a whole number"),
        ({"guest": {"cpus": 10**400}}, ("guest", "cpus"), "64 bits"),
        ({"guest": {"cpus": float("nan")}}, ("guest", "cpus"), "64 bits"),
        ({"auto_destroy": "true"}, ("auto_destroy",), "must be true or false"),
        ({"restart": {"policy": "never"}}, ("restart", "policy"), "no, always, on-failure"),
        ({"env": {"A": 1}}, ("env", "A"), "must be a string"),
        ({"env": ["A=1"]}, ("env",), "must be an object"),
        ({"services": {"a": 1}}, ("services",), "must be a list"),
        ({"services": [None]}, ("services", 0), "must be an object"),
        ({"statics": [{"guest_path": "/a"}]}, ("statics", 0, "url_prefix"), "is required"),
        ({"region": "fra"}, ("region",), "flyCloneMachine"),
        ({"cpus": 2}, ("cpus",), "config.guest.cpus"),
        ({"metadata": {"fly_mcp_mark": "x"}}, ("metadata", "fly_mcp_mark"), "belongs to fly-mcp"),
        ({"env": {"A": "\x00"}}, ("env", "A"), "NUL"),
    ],
)
def test_a_problem_says_what_to_send(
    config: dict[str, Any], place: tuple[str | int, ...], words: str
) -> None:
    """The issue: unknown keys with the nearest known name, wrong types named."""
    assert words in _problems(config)[place]


def test_all_problems_are_told_at_once_and_no_more_than_twenty() -> None:
    """Ours."""
    assert len(_problems({"a": 1, "guest": {"cpus": "x", "b": 2}})) == 3
    assert len(_problems({f"key_{number}": 1 for number in range(100)})) == 20


def test_what_fly_answers_is_taken_back() -> None:
    """Reference 3.3: autostop is answered as true, false or a word; numbers of other clients have a point."""
    given = {
        "services": [{"autostop": True, "internal_port": 80.0}, {"autostop": False}, {"autostop": "suspend"}]
    }
    wanted = {
        "services": [{"autostop": "stop", "internal_port": 80}, {"autostop": "off"}, {"autostop": "suspend"}]
    }
    assert checked(cast("dict[str, Any]", given)) == wanted


def test_null_is_kept_to_remove_with() -> None:
    """The issue: null removes."""
    assert checked({"restart": None, "checks": {"up": None}}) == {"restart": None, "checks": {"up": None}}

"""Checks recorded answers against Fly's OpenAPI document, strictly: a key that it does not know is wrong too.

    python -m tests.clients.schema RECORD...

What the document is known to have wrong is in `defects.py`.
"""

from __future__ import annotations

import copy
import importlib
import json
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import defects

# No types come with it.
jsonschema: Any = importlib.import_module("jsonschema")

DOCUMENT = Path(__file__).parents[1] / "data" / "fly-openapi-2026-05-07.json"
_METHODS = ("get", "put", "post", "patch", "delete")
_AT = "x-at"
_NO_ROUTE = "404 page not found"

Schema = dict[str, Any]
Exchange = dict[str, Any]


@dataclass
class Findings:
    """What a record has shown."""

    exchanges: int = 0
    problems: dict[str, int] = field(default_factory=dict[str, int])
    """Each problem, and how often it was seen."""
    answered: dict[str, set[int]] = field(default_factory=dict[str, set[int]])
    """By operation, the statuses it was answered with."""
    needed: set[str] = field(default_factory=set[str])
    """The rows of `defects.UNKNOWN_KEYS` that were needed."""

    def add(self, problem: str) -> None:
        """Count a problem."""
        self.problems[problem] = self.problems.get(problem, 0) + 1

    def merge(self, other: Findings) -> None:
        """Take over what another record has shown."""
        self.exchanges += other.exchanges
        for problem, times in other.problems.items():
            self.problems[problem] = self.problems.get(problem, 0) + times
        for operation, statuses in other.answered.items():
            self.answered.setdefault(operation, set()).update(statuses)
        self.needed |= other.needed


class Document:
    """Fly's document, put right where it is known to be wrong."""

    def __init__(self, path: Path = DOCUMENT) -> None:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        schemas: dict[str, Schema] = document["components"]["schemas"]
        defects.correct(schemas)
        for name, schema in schemas.items():
            _close(schema, name)
        self._components = {"schemas": schemas}
        self.operations: dict[str, dict[str, Any]] = {}
        self._routes: list[tuple[str, re.Pattern[str], str]] = []
        for template, methods in document["paths"].items():
            pattern = re.compile("/v1" + re.sub(r"{[^}]*}", "[^/]+", template) + r"\Z")
            for method in _METHODS:
                if method in methods:
                    name = f"{method.upper()} {template}"
                    self.operations[name] = methods[method]["responses"]
                    self._routes.append((method.upper(), pattern, name))
        # `/certificates/acme` before `/certificates/{hostname}`.
        self._routes.sort(key=lambda route: route[2].count("{"))
        self._validators: dict[str, Any] = {}

    def find(self, method: str, path: str) -> str | None:
        """Return the operation of a request."""
        return next((name for verb, at, name in self._routes if verb == method and at.match(path)), None)

    def check(self, exchanges: Iterable[Exchange]) -> Findings:
        """Check answers."""
        findings = Findings()
        for exchange in exchanges:
            if not exchange["path"].startswith("/v1/"):
                continue
            findings.exchanges += 1
            operation = self.find(exchange["method"], exchange["path"])
            where = f"{operation or exchange['method'] + ' (no operation)'} {exchange['status']}"
            if operation is not None:
                findings.answered.setdefault(operation, set()).add(exchange["status"])
            for problem in self._problems(operation, exchange, findings):
                findings.add(f"{where}: {problem}")
        return findings

    def _problems(self, operation: str | None, exchange: Exchange, findings: Findings) -> Iterator[str]:
        status, body = exchange["status"], exchange["body"]
        if "fly-request-id" not in exchange["headers"]:
            yield "no fly-request-id"
        if operation is None:
            if (status, body) != (404, _NO_ROUTE):
                yield f"no such operation, but not {_NO_ROUTE!r}"
            return
        if status >= 400:
            yield from self._against({"$ref": "#/components/schemas/ErrorResponse"}, exchange, findings)
            return
        responses = self.operations[operation]
        if str(status) not in responses and f"{operation} {status}" not in defects.OTHER_STATUS:
            yield f"the document has {', '.join(responses)}"
            return
        content = responses.get(str(status), {}).get("content", {})
        if "text/plain" in content:
            if not body or not exchange["headers"].get("content-type", "").startswith("text/plain"):
                yield "no plain text"
            return
        schema = content.get("application/json", {}).get("schema") or defects.SUPPLIED.get(operation)
        if schema is not None:
            yield from self._against(schema, exchange, findings)
        elif body:
            yield "the document has no body"

    def _against(self, schema: Schema, exchange: Exchange, findings: Findings) -> Iterator[str]:
        if not exchange["headers"].get("content-type", "").startswith("application/json"):
            yield "the content type is not JSON"
        try:
            body = json.loads(exchange["body"])
        except ValueError:
            yield "no JSON"
            return
        for error in self._validator(schema).iter_errors(body):
            for at, what in _places(error):
                if at in defects.UNKNOWN_KEYS:
                    findings.needed.add(at)
                else:
                    yield f"{at}: {what}"

    def _validator(self, schema: Schema) -> Any:
        key = json.dumps(schema, sort_keys=True)
        if key not in self._validators:
            whole = copy.deepcopy(schema)
            _close(whole, "answer")
            self._validators[key] = jsonschema.Draft202012Validator(whole | {"components": self._components})
        return self._validators[key]


def _close(schema: Schema, at: str) -> None:
    """Note in a schema where it stands, allow no keys but its own, and translate `nullable`. In place."""
    schema[_AT] = at
    if schema.pop("nullable", False) and "type" in schema:
        schema["type"] = [schema["type"], "null"]
    properties: dict[str, Schema] = schema.get("properties", {})
    if properties:
        schema.setdefault("additionalProperties", False)
    for key, value in properties.items():
        _close(value, f"{at}.{key}")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            _close(schema[key], f"{at}[]")
    if "allOf" in schema:
        # The generator of the document wraps each named word in an "object".
        schema.pop("type", None)
    for key in ("allOf", "anyOf", "oneOf"):
        for value in schema.get(key, []):
            _close(value, at)


def _places(error: Any) -> Iterator[tuple[str, str]]:
    at = error.schema.get(_AT, "?")
    if error.validator == "additionalProperties":
        for key in sorted(set(error.instance) - set(error.schema.get("properties", {}))):
            yield f"{at}.{key}", "the document does not have it"
    elif error.validator == "required":
        yield at, error.message
    elif error.validator == "enum" and error.instance == "":
        return  # Go's zero value: a field without omitempty that was not set
    else:
        yield at, f"{error.message[:120]}"


def read(path: Path) -> Iterator[Exchange]:
    """Read a record."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def unreached(findings: Findings, document: Document) -> list[str]:
    """Return what of the document nobody got a good answer from, and lists that are out of date."""
    good = {name for name, statuses in findings.answered.items() if min(statuses) < 400}
    missing = [name for name in document.operations if name not in good and name not in defects.NOT_ANSWERED]
    stale = [name for name in defects.NOT_ANSWERED if name in good or name not in document.operations]
    idle = sorted(set(defects.UNKNOWN_KEYS) - findings.needed)
    return [
        *(f"{name}: no client got a good answer" for name in missing),
        *(f"{name}: is on the list of those not answered, and was" for name in stale),
        *(f"{name}: is on the list of defects, and no answer has it" for name in idle),
    ]


def main(arguments: list[str]) -> int:
    """Check records and say what was found; return 1 when something is wrong."""
    document, findings = Document(), Findings()
    for name in arguments:
        findings.merge(document.check(read(Path(name))))
    for problem, times in sorted(findings.problems.items()):
        sys.stdout.write(f"{times} x {problem}\n")
    for problem in unreached(findings, document):
        sys.stdout.write(f"{problem}\n")
    good = sum(min(statuses) < 400 for statuses in findings.answered.values())
    sys.stdout.write(f"{findings.exchanges} answers; {good} of {len(document.operations)} operations\n")
    return 1 if findings.problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

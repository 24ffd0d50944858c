"""Secret keys of an app: kept here, used here, never shown (reference 4.7)."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Annotated, Any, cast

from pydantic import BeforeValidator

from fly_mcp_emulator import keys
from fly_mcp_emulator.answer import Answer
from fly_mcp_emulator.call import Body, Call
from fly_mcp_emulator.errors import FlyError, bad_request
from fly_mcp_emulator.keys import KINDS, Kind
from fly_mcp_emulator.routing import Endpoint
from fly_mcp_emulator.views import moment
from fly_mcp_emulator.world import SecretKey

from .secrets import check_version, version_view

_LABEL = re.compile(r"[a-zA-Z0-9_-]+\Z")


def _bytes(value: object) -> object:
    """Read bytes as Go does: base64 (fly-go), or a list of numbers (the document)."""
    if isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("illegal base64 data") from None
    if isinstance(value, list):
        numbers = cast(list[object], value)
        if all(type(number) is int and 0 <= number <= 255 for number in numbers):
            return bytes(cast(list[int], numbers))
        raise ValueError("not a list of bytes")
    return value


Bytes = Annotated[bytes, BeforeValidator(_bytes)]


class NewKey(Body):
    """A type, and the key itself unless it is to be generated."""

    type: str = ""
    value: Bytes = b""


class Use(Body):
    """What to seal, open, sign or verify."""

    plaintext: Bytes = b""
    ciphertext: Bytes = b""
    associated_data: Bytes = b""
    signature: Bytes = b""


def list_keys(call: Call) -> Answer:
    """All keys, or those of some types; their public halves only."""
    check_version(call)
    types = call.every("types")
    found = sorted(call.app.secret_keys.values(), key=lambda key: key.name)
    return Answer({"secret_keys": [_view(key) for key in found if not types or key.type in types]})


def get_key(call: Call) -> Answer:
    """One key."""
    check_version(call)
    return Answer(_view(_find(call)))


def set_key(call: Call) -> Answer:
    """Keep a key that the caller has made."""
    body = call.read(NewKey)
    if not keys.fits(_kind(body.type), body.value):
        raise bad_request(f"invalid value for secret key type {body.type}")
    return _keep(call, body.type, body.value)


def generate_key(call: Call) -> Answer:
    """Make a key and keep it."""
    body = call.read(NewKey)
    size = _kind(body.type).size
    return _keep(call, body.type, _random(call, size))


def delete_key(call: Call) -> Answer:
    """Delete a key: what was sealed with it is lost."""
    app, key = call.app, _find(call)
    del app.secret_keys[key.name]
    app.secrets_version += 1
    return Answer(version_view(app))


def encrypt(call: Call) -> Answer:
    """Seal a text, never twice the same."""
    key, kind, body = _use(call, "encrypt")
    nonce = _random(call, kind.nonce)
    return Answer({"ciphertext": _text(keys.seal(_value(key), nonce, body.plaintext, body.associated_data))})


def decrypt(call: Call) -> Answer:
    """Open a sealed text. 400 when it was sealed otherwise, or for something else."""
    key, kind, body = _use(call, "decrypt")
    opened = keys.unseal(kind, _value(key), body.ciphertext, body.associated_data)
    if opened is None:
        raise bad_request("decryption failed")
    return Answer({"plaintext": _text(opened)})


def sign(call: Call) -> Answer:
    """Sign a text."""
    key, kind, body = _use(call, "sign")
    return Answer({"signature": _text(keys.sign(kind, _value(key), body.plaintext))})


def verify(call: Call) -> Answer:
    """Say by 204 that a signature is good, by 400 that it is not."""
    key, kind, body = _use(call, "verify")
    if not keys.verify(kind, _value(key), body.plaintext, body.signature):
        raise bad_request("signature verification failed")
    return Answer(status=204)


def _use(call: Call, what: str) -> tuple[SecretKey, Kind, Use]:
    check_version(call)
    body, key = call.read(Use), _find(call)
    kind = _kind(key.type)
    # Which type can do what is not in the sources: taken from what the types are.
    if not (kind.signature if what in ("sign", "verify") else kind.nonce):
        raise bad_request(f"secret key type {key.type} cannot {what}")
    return key, kind, body


def _keep(call: Call, type_: str, value: bytes) -> Answer:
    app, name, now = call.app, call.params["name"], call.state.now()
    if _LABEL.match(name) is None:
        raise bad_request("invalid secret key name")
    old = app.secret_keys.get(name)
    key = SecretKey(
        name=name,
        type=type_,
        value=_text(value),
        public_key=_text(keys.public_half(_kind(type_), value)),
        created_at=old.created_at if old else now,
        updated_at=now,
    )
    app.secret_keys[name] = key
    app.secrets_version += 1
    return Answer(_view(key) | version_view(app), 201)


def _find(call: Call) -> SecretKey:
    key = call.app.secret_keys.get(call.params["name"])
    if key is None:
        raise FlyError(404, "not_found: secret key not found")
    return key


def _kind(type_: str) -> Kind:
    kind = KINDS.get(type_)
    if kind is None:
        raise bad_request(f"invalid secret key type: {type_[:64]}")
    return kind


def _random(call: Call, size: int) -> bytes:
    return b"".join(bytes.fromhex(call.state.ids.hex(64)) for _ in range((size + 31) // 32))[:size]


def _value(key: SecretKey) -> bytes:
    return base64.b64decode(key.value)


def _text(value: bytes) -> str:
    # What Go makes of bytes (reference 4.7: base64 in fly-go, numbers only in the document).
    return base64.b64encode(value).decode()


def _view(key: SecretKey) -> dict[str, Any]:
    view: dict[str, Any] = {
        "name": key.name,
        "type": key.type,
        "created_at": moment(key.created_at),
        "updated_at": moment(key.updated_at),
    }
    return view | ({"public_key": key.public_key} if key.public_key else {})


_PATH = "/v1/apps/{app}/secretkeys"
ENDPOINTS = (
    Endpoint("GET", _PATH, list_keys, "r", sure=("client", "document")),
    Endpoint("GET", f"{_PATH}/{{name}}", get_key, "r", sure=("document",)),
    Endpoint("POST", f"{_PATH}/{{name}}", set_key, "w", sure=("client", "document", "inferred")),
    Endpoint("DELETE", f"{_PATH}/{{name}}", delete_key, "w", sure=("client", "document", "inferred")),
    Endpoint(
        "POST",
        f"{_PATH}/{{name}}/generate",
        generate_key,
        "w",
        sure=("client", "document", "inferred"),
        lacks="Only HMACs are real; all other types are stand-ins of the right sizes.",
    ),
    Endpoint(
        "POST",
        f"{_PATH}/{{name}}/encrypt",
        encrypt,
        "w",
        sure=("document", "inferred"),
        lacks="A stand-in of the right size: it protects nothing.",
    ),
    Endpoint(
        "POST",
        f"{_PATH}/{{name}}/decrypt",
        decrypt,
        "w",
        sure=("document", "inferred"),
        lacks="Opens what this emulator sealed, and nothing else.",
    ),
    Endpoint(
        "POST",
        f"{_PATH}/{{name}}/sign",
        sign,
        "w",
        sure=("document", "inferred"),
        lacks="Only HMACs are real.",
    ),
    Endpoint(
        "POST",
        f"{_PATH}/{{name}}/verify",
        verify,
        "w",
        sure=("document", "inferred"),
        lacks="Verifies what this emulator signed; HMACs of others too.",
    ),
)

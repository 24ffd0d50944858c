"""Secret keys: used where they are kept, never shown (reference 4.7)."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from fly_mcp_emulator import Emulator
from fly_mcp_emulator.keys import KINDS
from fly_mcp_emulator.world import SecretKey
from tests.emulator.caller import APP, SECRETS, Caller, client

KEYS = f"/apps/{APP}/secretkeys"
SIGNING = [name for name, kind in KINDS.items() if kind.signature]
SEALING = [name for name, kind in KINDS.items() if kind.nonce]


def b64(value: bytes) -> str:
    return base64.b64encode(value).decode()


async def made(fly: Caller, kind: str) -> str:
    """Generate a key and return its path."""
    await fly.post(f"{KEYS}/{kind}/generate", 201, json={"type": kind})
    return f"{KEYS}/{kind}"


@pytest.mark.parametrize("kind", sorted(KINDS))
async def test_a_generated_key_is_answered_without_itself(fly: Caller, kind: str) -> None:
    """Reference 4.7: name, type, public half, dates, and the version under both spellings."""
    before = (await fly.post(SECRETS, json={"values": {}}))["version"]
    answer = await fly.post(f"{KEYS}/one/generate", 201, json={"type": kind})
    assert answer.pop("version") == answer.pop("Version") == before + 1
    assert {"name": "one", "type": kind} == {key: answer[key] for key in ("name", "type")}
    assert ("public_key" in answer) == bool(KINDS[kind].public)
    assert await fly.get(f"{KEYS}/one") == answer
    assert "value" not in answer


async def test_keys_are_listed_and_filtered_by_type(fly: Caller) -> None:
    """Reference 4.7: `types`."""
    for kind in KINDS:
        await made(fly, kind)
    assert len((await fly.get(KEYS))["secret_keys"]) == len(KINDS)
    some = await fly.get(KEYS, params={"types": "hs256,es256"})
    assert [key["name"] for key in some["secret_keys"]] == ["es256", "hs256"]


async def test_a_version_that_is_not_there_yet_is_refused(fly: Caller) -> None:
    """Reference 4.7: `min_version`, as for secrets."""
    path = await made(fly, "hs256")
    await fly.get(path, params={"min_version": "1"})
    await fly.get(path, 412, params={"min_version": "2"})
    await fly.get(KEYS, 412, params={"min_version": "2"})
    await fly.post(f"{path}/sign?min_version=2", 412, json={"plaintext": b64(b"text")})


@pytest.mark.parametrize("as_numbers", [True, False])
async def test_bytes_are_taken_as_base64_and_as_numbers(fly: Caller, as_numbers: bool) -> None:
    """Reference 4.7: numbers in the document, base64 from fly-go; Go reads both and writes base64."""

    def written(value: bytes) -> object:
        return list(value) if as_numbers else b64(value)

    await fly.post(f"{KEYS}/one", 201, json={"type": "hs256", "value": written(b"k" * 32)})
    answer = await fly.post(f"{KEYS}/one/sign", json={"plaintext": written(b"text")})
    assert answer == {"signature": b64(hmac.digest(b"k" * 32, b"text", hashlib.sha256))}
    body = {"plaintext": written(b"text"), "signature": written(base64.b64decode(answer["signature"]))}
    await fly.post(f"{KEYS}/one/verify", 204, json=body)


@pytest.mark.parametrize("kind", SIGNING)
async def test_a_signature_is_good_for_its_text_and_key_alone(fly: Caller, kind: str) -> None:
    """Reference 4.7: verify answers 204."""
    path = await made(fly, kind)
    signed = (await fly.post(f"{path}/sign", json={"plaintext": b64(b"text")}))["signature"]
    assert len(base64.b64decode(signed)) == KINDS[kind].signature
    await fly.post(f"{path}/verify", 204, json={"plaintext": b64(b"text"), "signature": signed})
    await fly.post(f"{path}/verify", 400, json={"plaintext": b64(b"other"), "signature": signed})
    await fly.post(f"{path}/verify", 400, json={"plaintext": b64(b"text"), "signature": ""})
    await made(fly, kind)
    await fly.post(f"{path}/verify", 400, json={"plaintext": b64(b"text"), "signature": signed})


@pytest.mark.parametrize("kind", SEALING)
@pytest.mark.parametrize("text", [b"", b"t", b"text" * 100])
async def test_a_sealed_text_is_opened_with_its_key_and_context_alone(
    fly: Caller, kind: str, text: bytes
) -> None:
    """Reference 4.7: encrypt and decrypt."""
    path = await made(fly, kind)
    body = {"plaintext": b64(text), "associated_data": b64(b"context")}
    sealed = base64.b64decode((await fly.post(f"{path}/encrypt", json=body))["ciphertext"])
    again = base64.b64decode((await fly.post(f"{path}/encrypt", json=body))["ciphertext"])
    assert sealed != again
    assert len(sealed) == KINDS[kind].nonce + len(text) + 16
    opened = await fly.post(
        f"{path}/decrypt", json={"ciphertext": b64(sealed), "associated_data": b64(b"context")}
    )
    assert base64.b64decode(opened["plaintext"]) == text
    await fly.post(f"{path}/decrypt", 400, json={"ciphertext": b64(sealed)})
    changed = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for other in (changed, sealed[:20], b""):
        await fly.post(
            f"{path}/decrypt", 400, json={"ciphertext": b64(other), "associated_data": b64(b"context")}
        )


async def test_a_key_does_only_what_its_type_can(fly: Caller) -> None:
    """Ours: which type does what is not in the sources."""
    signing, sealing = await made(fly, "hs256"), await made(fly, "nacl_box")
    for call in ("encrypt", "decrypt"):
        await fly.post(f"{signing}/{call}", 400, json={})
    for call in ("sign", "verify"):
        await fly.post(f"{sealing}/{call}", 400, json={})


@pytest.mark.parametrize(
    "body",
    [
        {"type": "rot13", "value": b64(b"k" * 32)},
        {"type": "", "value": b64(b"k" * 32)},
        {"type": "nacl_secretbox", "value": b64(b"short")},
        {"type": "hs256"},
        {"type": "hs256", "value": "not base64!"},
        {"type": "hs256", "value": [256]},
        {"type": "hs256", "value": 7},
    ],
)
async def test_a_bad_key_is_a_400(fly: Caller, body: dict[str, object]) -> None:
    """Reference 4.7 and the document: 400."""
    await fly.post(f"{KEYS}/one", 400, json=body)
    assert (await fly.get(KEYS))["secret_keys"] == []


async def test_labels_have_letters_digits_dashes_and_underscores(fly: Caller) -> None:
    """Reference 2.1 [C]."""
    await fly.post(f"{KEYS}/a-b_C1v2/generate", 201, json={"type": "hs256"})
    await fly.post(f"{KEYS}/a.b/generate", 400, json={"type": "hs256"})


async def test_a_deleted_key_is_gone(fly: Caller) -> None:
    """Reference 4.7: DELETE answers the new version."""
    path = await made(fly, "hs256")
    assert (await fly.delete(path))["version"] == 2
    for method, call in (("GET", ""), ("DELETE", ""), ("POST", "/sign")):
        await fly.send(method, f"{path}{call}", 404, json={} if call else None)


async def test_keys_are_no_environment(fly: Caller) -> None:
    """Reference 4.7."""
    await made(fly, "hs256")
    machine = await fly.started()
    assert "hs256" not in await fly.env(machine)


async def test_a_reading_token_uses_no_keys(emu: Emulator, fly: Caller) -> None:
    """Reference 1.3: a read-only token reads, and nothing else."""
    path = await made(fly, "hs256")
    async with client(emu, "FlyV1 fm2_emulator_readonly") as http:
        reader = Caller(http)
        await reader.get(path)
        await reader.post(f"{path}/sign", 403, json={"plaintext": b64(b"text")})


async def test_keys_of_a_world_file_are_checked_and_get_their_public_half(emu: Emulator, fly: Caller) -> None:
    """Ours: a world is checked with the path of what is wrong."""
    world = emu.dump()
    keys = world.apps[APP].secret_keys
    keys["pair"] = SecretKey(name="pair", type="nacl_box", value=b64(b"k" * 32))
    emu.load(world)
    assert len(base64.b64decode((await fly.get(f"{KEYS}/pair"))["public_key"])) == 32
    for wrong, where in (
        (SecretKey(name="other", type="nacl_box", value=b64(b"k" * 32)), r"secret_keys\.pair\.name"),
        (SecretKey(name="pair", type="rot13", value=""), r"secret_keys\.pair\.type"),
        (SecretKey(name="pair", type="nacl_box", value="no!"), r"secret_keys\.pair\.value: is not base64"),
        (
            SecretKey(name="pair", type="nacl_box", value=b64(b"k")),
            r"secret_keys\.pair\.value: has not the size",
        ),
    ):
        keys["pair"] = wrong
        with pytest.raises(ValueError, match=where):
            emu.load(world)

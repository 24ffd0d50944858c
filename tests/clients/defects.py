"""Where Fly's OpenAPI document of 2026-05-07 is known to differ from what the API answers, each with its reason.

`wire`: Fly's own client reads it so. `live`: recorded from the API by third parties. `newer`: in a newer edition
of the document. `docs`: Fly's documentation. A row that no answer of a whole run needs is reported as stale.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

UNKNOWN_KEYS = {
    "App.app_role": "wire: the get has it, the list has not",
    "App.cname_target": "wire: the get has it, the list has not",
    "App.created_at": "docs, newer: the answer of a create has it, in milliseconds",
    "Machine.containers": "wire: states of the containers",
    "Machine.cordoned": "wire, newer",
    "Machine.version": "wire: the same as instance_id",
    "Volume.host_dedication_id": "wire",
    "OrgVolume.host_dedication_id": "wire",
    "Volume.attached_machine_id": "wire, docs: null while it is unattached",
    "Volume.attached_alloc_id": "wire, docs: null",
    "OrgVolume.attached_machine_id": "wire, docs: null while it is unattached",
    "OrgVolume.attached_alloc_id": "wire, docs: null",
    "fly.MachineService.autostop": "wire: answered as false and true for off and stop",
    "fly.MachineService.force_instance_key": "wire: has no omitempty, so that it is null when unset",
    "fly.HTTPResponseOptions.headers[]": "wire: any value, a string, a list or false",
    "ErrorResponse.message": "live, wire: the second service behind the API says message instead of error",
    "SecretKey.public_key": "wire: base64, not a list of numbers",
    "SetSecretkeyResponse.public_key": "wire: base64, not a list of numbers",
    "DecryptSecretkeyResponse.plaintext": "wire: base64, not a list of numbers",
    "EncryptSecretkeyResponse.ciphertext": "wire: base64, not a list of numbers",
    "SignSecretkeyResponse.signature": "wire: base64, not a list of numbers",
    "root.VerifiedToken.permission_token": "as all bytes: base64, not a list of numbers",
    "macaroon.Nonce.kid": "as all bytes: base64, not a list of numbers",
    "macaroon.Nonce.rnd": "as all bytes: base64, not a list of numbers",
}
"""Places that are answered otherwise than described; what is beneath them is not looked at."""

_OK: Schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
_REGION_ROW = {"capacity": {"type": "integer"}, "mpg_available": {"type": "boolean"}}
_PLACEMENT: Schema = {
    "type": "object",
    "properties": {
        "Region": {"type": "string"},
        "Count": {"type": "integer"},
        "Concurrency": {"type": "integer"},
    },
    "required": ["Region", "Count", "Concurrency"],
}
_BACKUP: Schema = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "created_at": {"type": "string"},
        "status": {"type": "string"},
    },
    "required": ["id"],
}


def correct(schemas: dict[str, Schema]) -> None:
    """Put right, in place, the schemas whose whole shape is wrong."""
    # Described flat; the wire has an envelope (wire, docs).
    schemas["Lease"] = {
        "type": "object",
        "properties": {"status": {"type": "string", "enum": ["success"]}, "data": schemas["Lease"]},
        "required": ["status", "data"],
    }
    # Described in lower case (live, wire).
    schemas["main.regionRow"]["properties"] |= _REGION_ROW
    row = {"$ref": "#/components/schemas/main.regionRow"}
    schemas["main.regionResponse"] = {
        "type": "object",
        "properties": {"Nearest": {"type": "string"}, "Regions": {"type": "array", "items": row}},
        "required": ["Nearest", "Regions"],
    }
    schemas["main.getPlacementsResponse"] = {
        "type": "object",
        "properties": {"Regions": {"type": "array", "items": _PLACEMENT}},
        "required": ["Regions"],
    }
    # Newer, and in the tests of Fly's clients.
    schemas["main.statusCode"]["enum"] += ["name_taken", "volume_placement_capacity"]


SUPPLIED: dict[str, Schema] = {
    "POST /apps": {"$ref": "#/components/schemas/App"},
    "DELETE /apps/{app_name}/machines/{machine_id}": _OK,
    "DELETE /apps/{app_name}/machines/{machine_id}/lease": {
        "type": "object",
        "properties": {"status": {"type": "string", "enum": ["success"]}, "data": _OK},
        "required": ["status", "data"],
    },
    "POST /apps/{app_name}/machines/{machine_id}/start": {
        "type": "object",
        "properties": {
            "previous_state": {"type": "string"},
            "migrated": {"type": "boolean"},
            "new_host": {"type": "string"},
        },
        "required": ["previous_state"],
    },
    "POST /apps/{app_name}/volumes/{volume_id}/snapshots": {
        "type": "object",
        "properties": {"Msg": {"type": "object", "properties": {"backup": _BACKUP}, "required": ["backup"]}},
        "required": ["Msg"],
    },
} | {
    f"POST /apps/{{app_name}}/machines/{{machine_id}}/{call}": _OK
    for call in ("cordon", "restart", "signal", "stop", "suspend", "uncordon")
}
"""Answers that the document does not describe: what docs and recordings have."""

OTHER_STATUS: dict[str, str] = {}
"""`METHOD PATH STATUS` of good answers whose status is not the document's."""

NOT_ANSWERED: dict[str, str] = {
    "POST /tokens/kms": "only from inside a machine; from outside it is refused",
    "POST /tokens/oidc": "only from inside a machine; from outside it is refused",
}
"""Operations of the document that no client reaches with success, each with its reason."""

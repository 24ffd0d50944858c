"""Calls that send what no example of a row sends: each a list of steps against a fresh Fly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Steps = list[tuple[str, Mapping[str, Any]]]

#: An argument that is the key of this name in the answer before: `<next_cursor>`.
FROM_BEFORE: Final = ("<next_cursor>", "<nonce>", "<id>")

_APP = {"appName": "catvet-records"}
_ONE = {**_APP, "machineId": "7846e45f27e218"}
_VOLUME = {"appName": "catvet-records", "name": "copy", "region": "fra", "sizeGb": 2}
_LOST = {**_APP, "region": "fra", "requestId": "lost-1"}
_ORG = {"orgSlug": "personal", "limit": 1, "updatedAfter": "2020-01-01T00:00:00Z"}

#: In the first step the create's answer is lost, and none comes that tells of machines; the second is the same again.
LOST: Final[Steps] = [("flyCreateMachine", _LOST), ("flyCreateMachine", _LOST)]
MORE: Final[list[Steps]] = [
    LOST,
    [("flyListApps", {"orgSlug": "personal"})],
    [
        (
            "flyCreateApp",
            {"appName": "new-app", "orgSlug": "personal", "network": "n1", "enableSubdomains": True},
        )
    ],
    [
        ("flyListCertificates", {"appName": "catvet-web", "filter": "catvet"}),
        ("flyRequestCertificate", {"appName": "catvet-web", "hostname": "a.catvet.example"}),
        ("flyListCertificates", {"appName": "catvet-web", "limit": 1}),
        ("flyListCertificates", {"appName": "catvet-web", "limit": 1, "cursor": "<next_cursor>"}),
    ],
    [("flyAllocateIp", {**_APP, "type": "v6", "region": "fra"})],
    [("flyAllocateIp", {**_APP, "type": "private_v6", "network": "default"})],
    [("flyListMachines", {**_APP, "detail": "summary", "state": "started", "region": "fra"})],
    [
        ("flySetSecrets", {**_APP, "secrets": {"A": "b"}}),
        (
            "flyCreateMachine",
            {**_APP, "name": "named", "region": "fra", "config": {"restart": {"policy": "always"}}},
        ),
    ],
    [("flyUpdateMachineConfig", {**_ONE, "config": {"restart": {"policy": "always"}}})],
    [("flyExecCommand", {**_ONE, "command": ["ls"], "timeout": 5})],
    [
        ("flyAcquireLease", {**_ONE, "ttl": 60, "description": "a deploy"}),
        ("flyAcquireLease", {**_ONE, "ttl": 90, "nonce": "<nonce>"}),
        ("flyReleaseLease", {**_ONE, "nonce": "<nonce>"}),
    ],
    [("flySetMemory", {**_ONE, "reclaimMb": 64})],
    [("flyWaitForMachine", {**_ONE, "state": "stopped", "timeout": 2})],
    [("flyListVolumes", {**_APP, "detail": "summary"})],
    [("flyCreateVolume", {**_VOLUME, "uniqueZone": True, "encrypted": False})],
    [
        ("flyCreateSnapshot", {**_APP, "volumeId": "vol_r77m35j7kj10613r"}),
        ("flyCreateVolume", {**_VOLUME, "snapshotId": "<id>"}),
    ],
    [
        ("flyListOrgMachines", {**_ORG, "detail": "summary"}),
        ("flyListOrgMachines", {**_ORG, "cursor": "<next_cursor>"}),
    ],
    [
        ("flyListOrgVolumes", {**_ORG, "region": "fra", "state": "created"}),
        ("flyListOrgVolumes", {"orgSlug": "personal", "limit": 1}),
        ("flyListOrgVolumes", {"orgSlug": "personal", "limit": 1, "cursor": "<next_cursor>"}),
    ],
    [
        (
            "flyPlanPlacement",
            {
                "orgSlug": "personal",
                "region": "fra",
                "count": 2,
                "cpus": 2,
                "memoryMb": 1024,
                "volumeName": "data",
                "volumeSizeGb": 3,
            },
        )
    ],
    [("flyGetOidcToken", {"audience": "sts.amazonaws.com", "awsPrincipalTags": True})],
]

"""What becomes of everything that Fly's document offers: each operation, query parameter and body field.

Whether an operation is an action or part of one follows from the rows' `calls`; here stand only what no row sends, and
every parameter, with the reasons. A test holds it against the document and against what the actions really send;
docs/coverage.md is made from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Offered:
    """An argument of an action decides what is sent: `flyCreateApp.network`."""

    argument: str


@dataclass(frozen=True)
class Ours:
    """An argument of an action does the same, on what Fly answered or by other calls; it is not sent."""

    argument: str
    why: str


@dataclass(frozen=True)
class Fixed:
    """Decided by us."""

    to: str
    why: str


@dataclass(frozen=True)
class LeftOut:
    """Not to be had."""

    why: str


@dataclass(frozen=True)
class Instead:
    """An operation whose work another one does: `by`, which an action sends."""

    by: str
    why: str


Decision = Offered | Ours | Fixed | LeftOut

_CRYPTOGRAPHY: Final = (
    "Cryptography with keys that Fly holds is for programs: all of it would pass through a model."
)
_CUSTOM: Final = "A certificate of one's own needs its private key, which must not pass through a model."
_SHOW: Final = LeftOut("Values of secrets are never shown.")
_OLDER: Final = LeftOut(
    "For programs that wait for a change of their own to be seen; the newest is what is asked for."
)
_LSVD: Final = LeftOut("Obsolete: an experiment of Fly's with volumes.")
_LEASED: Final = LeftOut("The lease is taken by a call of its own, before the machine is read.")
_SAME: Final = "It is the machine's own: it cannot be changed, and a missing one would be."
_STOPPING: Final = LeftOut("The config says it: `config.stop_config` of flyUpdateMachineConfig.")
_SERVICES: Final = LeftOut("flyCordonMachine takes a machine out of traffic.")
_GONE: Final = "What is destroyed is of no use; it is asked for only where a create's answer was lost."

#: Operations that no row sends, and why: left out whole, or done by another.
OPERATIONS: Final[Mapping[str, LeftOut | Instead]] = {
    "POST /apps/{app_name}/certificates/custom": LeftOut(_CUSTOM),
    "DELETE /apps/{app_name}/certificates/{hostname}/custom": LeftOut(
        "It takes a certificate of one's own away; flyRemoveCertificate removes a host name with all it has."
    ),
    "POST /apps/{app_name}/deploy_token": LeftOut(
        "A token must not pass through a model: `fly tokens create deploy`."
    ),
    "PUT /apps/{app_name}/machines/{machine_id}/metadata": Instead(
        "PATCH /apps/{app_name}/machines/{machine_id}/metadata",
        "Replacing all would remove keys that Fly's own tools live by; flySetMetadata and flyDeleteMetadata name each.",
    ),
    "POST /apps/{app_name}/machines/{machine_id}/metadata/{key}": Instead(
        "PATCH /apps/{app_name}/machines/{machine_id}/metadata",
        "One key is set as several are, by flySetMetadata: one request, and a key that no path can carry.",
    ),
    "POST /apps/{app_name}/secretkeys/{secret_name}": Instead(
        "POST /apps/{app_name}/secretkeys/{secret_name}/generate",
        "The key itself would pass through a model; flyGenerateSecretKey lets Fly make one that nobody sees.",
    ),
    "POST /apps/{app_name}/secretkeys/{secret_name}/decrypt": LeftOut(_CRYPTOGRAPHY),
    "POST /apps/{app_name}/secretkeys/{secret_name}/encrypt": LeftOut(_CRYPTOGRAPHY),
    "POST /apps/{app_name}/secretkeys/{secret_name}/sign": LeftOut(_CRYPTOGRAPHY),
    "POST /apps/{app_name}/secretkeys/{secret_name}/verify": LeftOut(_CRYPTOGRAPHY),
    "POST /apps/{app_name}/secrets/{secret_name}": Instead(
        "POST /apps/{app_name}/secrets",
        "One secret is set as several are, by flySetSecrets: one new version for all.",
    ),
    "DELETE /apps/{app_name}/secrets/{secret_name}": Instead(
        "POST /apps/{app_name}/secrets",
        "flyUnsetSecrets sends null for each name: all are gone in one version, or none.",
    ),
    "POST /tokens/authenticate": LeftOut(
        "For services that are shown somebody else's token; none is taken here."
    ),
    "POST /tokens/authorize": LeftOut(
        "For services that are shown somebody else's token; none is taken here."
    ),
    "POST /tokens/kms": LeftOut("A token for Fly's key service must not pass through a model."),
}

#: Every query parameter (`?name`), header (`name:`) and field of a body, by operation.
PARAMETERS: Final[Mapping[str, Mapping[str, Decision]]] = {
    "GET /apps": {
        "?org_slug": Offered("flyListApps.orgSlug"),
        "?app_role": LeftOut("It tells the apps that Fly runs for its own services; agents have none."),
    },
    "POST /apps": {
        "name": Offered("flyCreateApp.appName"),
        "org_slug": Offered("flyCreateApp.orgSlug"),
        "network": Offered("flyCreateApp.network"),
        "enable_subdomains": Offered("flyCreateApp.enableSubdomains"),
    },
    "GET /apps/{app_name}/certificates": {
        "?filter": Offered("flyListCertificates.filter"),
        "?cursor": Offered("flyListCertificates.cursor"),
        "?limit": Offered("flyListCertificates.limit"),
    },
    "POST /apps/{app_name}/certificates/acme": {"hostname": Offered("flyRequestCertificate.hostname")},
    "POST /apps/{app_name}/ip_assignments": {
        "type": Offered("flyAllocateIp.type"),
        "region": Offered("flyAllocateIp.region"),
        "network": Offered("flyAllocateIp.network"),
        "org_slug": LeftOut(
            "The app's own organisation; a private address for another's network is a matter of trust."
        ),
        "service_name": LeftOut("Fly's document does not say what it does."),
    },
    "GET /apps/{app_name}/machines": {
        "?include_deleted": Fixed("`true` while a lost create is looked up", _GONE),
        "?region": Ours("flyListMachines.region", "The total, and the cursor, are about what was filtered."),
        "?state": Ours("flyListMachines.state", "The total, and the cursor, are about what was filtered."),
        "?summary": Offered("flyListMachines.detail"),
    },
    "POST /apps/{app_name}/machines": {
        "config": Offered("flyCreateMachine.config"),
        "name": Offered("flyCreateMachine.name"),
        "region": Offered("flyCreateMachine.region"),
        "min_secrets_version": Fixed(
            "the version that flySetSecrets was answered", "The new machine must not boot with older secrets."
        ),
        "skip_launch": LeftOut("flyCreateMachine makes machines that run; flyStopMachine stops them."),
        "skip_secrets": LeftOut("A machine without its app's secrets is broken in a way that no list shows."),
        "skip_service_registration": _SERVICES,
        "lease_ttl": LeftOut("Nobody else knows of a machine that is just made; flyAcquireLease holds it."),
        "lsvd": _LSVD,
    },
    "POST /apps/{app_name}/machines/{machine_id}": {
        "config": Offered("flyUpdateMachineConfig.config"),
        "current_version": Fixed(
            "the version that was read",
            "What somebody else changed meanwhile is not overwritten: Fly refuses it.",
        ),
        "min_secrets_version": Fixed(
            "the version that flySetSecrets was answered", "The machine must not boot with older secrets."
        ),
        "skip_launch": Fixed(
            "`true` for a machine that is stopped", "A change of its config does not start it."
        ),
        "name": Fixed("the machine's", _SAME),
        "region": Fixed("the machine's", _SAME),
        "skip_secrets": LeftOut("A machine without its app's secrets is broken in a way that no list shows."),
        "skip_service_registration": _SERVICES,
        "lease_ttl": _LEASED,
        "lsvd": _LSVD,
    },
    "DELETE /apps/{app_name}/machines/{machine_id}": {
        "?force": Fixed("`true`", "Whoever confirmed need not stop it first; what it does is said before.")
    },
    "GET /apps/{app_name}/machines/{machine_id}/events": {"?limit": Offered("flyListEvents.limit")},
    "POST /apps/{app_name}/machines/{machine_id}/exec": {
        "command": Offered("flyExecCommand.command"),
        "timeout": Offered("flyExecCommand.timeout"),
        "cmd": LeftOut("The older spelling: one text, split by Fly. Words need no quoting."),
        "container": LeftOut("Machines with several containers are made by hand; the first one is meant."),
        "stdin": LeftOut(
            "It is reported not to reach the process; a command can read a here-document or a file."
        ),
    },
    "POST /apps/{app_name}/machines/{machine_id}/lease": {
        "ttl": Offered("flyAcquireLease.ttl"),
        "description": Offered("flyAcquireLease.description"),
        "fly-machine-lease-nonce:": Offered("flyAcquireLease.nonce"),
    },
    "DELETE /apps/{app_name}/machines/{machine_id}/lease": {
        "fly-machine-lease-nonce:": Offered("flyReleaseLease.nonce")
    },
    "PUT /apps/{app_name}/machines/{machine_id}/memory": {"limit_mb": Offered("flySetMemory.limitMb")},
    "POST /apps/{app_name}/machines/{machine_id}/memory/reclaim": {
        "amount_mb": Offered("flySetMemory.reclaimMb")
    },
    "PUT /apps/{app_name}/machines/{machine_id}/metadata": {
        "metadata": Ours("flySetMetadata.metadata", "By PATCH."),
        "machine_version": LeftOut("By PATCH, which leaves other keys alone, nothing of others can be lost."),
        "updated_at": LeftOut("By PATCH, which leaves other keys alone, nothing of others can be lost."),
    },
    "PATCH /apps/{app_name}/machines/{machine_id}/metadata": {
        "metadata": Offered("flySetMetadata.metadata"),
        "machine_version": LeftOut("A merge leaves other keys alone: nothing of others can be lost."),
        "updated_at": LeftOut("A merge leaves other keys alone: nothing of others can be lost."),
    },
    "POST /apps/{app_name}/machines/{machine_id}/metadata/{key}": {
        "value": Ours("flySetMetadata.metadata", "By PATCH."),
        "updated_at": LeftOut("By PATCH, which leaves other keys alone, nothing of others can be lost."),
    },
    "GET /apps/{app_name}/machines/{machine_id}/ps": {
        "?sort_by": Ours("flyListProcesses.sortBy", "Which words Fly takes is not documented; we sort."),
        "?order": Ours("flyListProcesses.sortBy", "The largest are first: a long list is cut."),
    },
    "POST /apps/{app_name}/machines/{machine_id}/restart": {"?timeout": _STOPPING, "?signal": _STOPPING},
    "POST /apps/{app_name}/machines/{machine_id}/signal": {"signal": Offered("flySignalMachine.signal")},
    "POST /apps/{app_name}/machines/{machine_id}/stop": {"signal": _STOPPING, "timeout": _STOPPING},
    "GET /apps/{app_name}/machines/{machine_id}/wait": {
        "?state": Offered("flyWaitForMachine.state"),
        "?timeout": Fixed(
            "at most 60 s", "Fly takes no more; flyWaitForMachine waits longer by asking again."
        ),
        "?instance_id": Fixed(
            "the version that an update made", "Else the state before the update would do."
        ),
        "?version": LeftOut("The newer name of `instance_id`; Fly takes both."),
        "?from_event_id": LeftOut(
            "A state that was reached before the call counts: that is what an agent asks."
        ),
    },
    "GET /apps/{app_name}/secretkeys": {
        "?types": Ours("flyListSecretKeys.type", "The total, and the cursor, are about what was filtered."),
        "?min_version": _OLDER,
    },
    "GET /apps/{app_name}/secretkeys/{secret_name}": {"?min_version": _OLDER},
    "POST /apps/{app_name}/secretkeys/{secret_name}": {
        "type": Ours("flyGenerateSecretKey.type", "Fly makes the key."),
        "value": LeftOut("The key itself would pass through a model."),
    },
    "POST /apps/{app_name}/secretkeys/{secret_name}/decrypt": {
        "?min_version": LeftOut(_CRYPTOGRAPHY),
        "associated_data": LeftOut(_CRYPTOGRAPHY),
        "ciphertext": LeftOut(_CRYPTOGRAPHY),
    },
    "POST /apps/{app_name}/secretkeys/{secret_name}/encrypt": {
        "?min_version": LeftOut(_CRYPTOGRAPHY),
        "associated_data": LeftOut(_CRYPTOGRAPHY),
        "plaintext": LeftOut(_CRYPTOGRAPHY),
    },
    "POST /apps/{app_name}/secretkeys/{secret_name}/generate": {
        "type": Offered("flyGenerateSecretKey.type"),
        "value": LeftOut("Fly makes the key; one that is given would pass through a model."),
    },
    "POST /apps/{app_name}/secretkeys/{secret_name}/sign": {
        "?min_version": LeftOut(_CRYPTOGRAPHY),
        "plaintext": LeftOut(_CRYPTOGRAPHY),
    },
    "POST /apps/{app_name}/secretkeys/{secret_name}/verify": {
        "?min_version": LeftOut(_CRYPTOGRAPHY),
        "plaintext": LeftOut(_CRYPTOGRAPHY),
        "signature": LeftOut(_CRYPTOGRAPHY),
    },
    "GET /apps/{app_name}/secrets": {"?min_version": _OLDER, "?show_secrets": _SHOW},
    "POST /apps/{app_name}/secrets": {"values": Offered("flySetSecrets.secrets")},
    "GET /apps/{app_name}/secrets/{secret_name}": {"?min_version": _OLDER, "?show_secrets": _SHOW},
    "POST /apps/{app_name}/secrets/{secret_name}": {
        "value": Ours("flySetSecrets.secrets", "With all others.")
    },
    "POST /apps/{app_name}/certificates/custom": {
        "fullchain": LeftOut(_CUSTOM),
        "hostname": LeftOut(_CUSTOM),
        "private_key": LeftOut(_CUSTOM),
    },
    "POST /apps/{app_name}/deploy_token": {"expiry": LeftOut("A token must not pass through a model.")},
    "GET /apps/{app_name}/volumes": {"?summary": Offered("flyListVolumes.detail")},
    "POST /apps/{app_name}/volumes": {
        "name": Offered("flyCreateVolume.name"),
        "region": Offered("flyCreateVolume.region"),
        "size_gb": Offered("flyCreateVolume.sizeGb"),
        "snapshot_id": Offered("flyCreateVolume.snapshotId"),
        "source_volume_id": Offered("flyCreateVolume.sourceVolumeId"),
        "require_unique_zone": Offered("flyCreateVolume.uniqueZone"),
        "encrypted": Offered("flyCreateVolume.encrypted"),
        "compute": Fixed("the size of the machine it is for", "Fly looks for a host with room for both."),
        "compute_image": Fixed("the image of the machine it is for", "Fly looks for a host that has it."),
        "snapshot_retention": Fixed(
            "a number that marks it while it is made",
            "A volume whose create was lost is found by it; then it is set back.",
        ),
        "auto_backup_enabled": Ours("flyUpdateVolume.scheduledSnapshots", "Once it is there."),
        "fstype": LeftOut(
            "ext4 is what machines mount; `raw` is for programs that bring a file system of their own."
        ),
        "unique_zone_app_wide": LeftOut(
            "`uniqueZone` is about volumes of one name, which is what scaling makes."
        ),
    },
    "PUT /apps/{app_name}/volumes/{volume_id}": {
        "snapshot_retention": Offered("flyUpdateVolume.snapshotRetention"),
        "auto_backup_enabled": Offered("flyUpdateVolume.scheduledSnapshots"),
    },
    "PUT /apps/{app_name}/volumes/{volume_id}/extend": {"size_gb": Offered("flyExtendVolume.sizeGb")},
    "GET /orgs/{org_slug}/machines": {
        "?region": Offered("flyListOrgMachines.region"),
        "?state": Offered("flyListOrgMachines.state"),
        "?updated_after": Offered("flyListOrgMachines.updatedAfter"),
        "?limit": Offered("flyListOrgMachines.limit"),
        "?cursor": Offered("flyListOrgMachines.cursor"),
        "?summary": Offered("flyListOrgMachines.detail"),
        "?include_deleted": LeftOut("What is destroyed is of no use."),
    },
    "GET /orgs/{org_slug}/volumes": {
        "?region": Offered("flyListOrgVolumes.region"),
        "?state": Offered("flyListOrgVolumes.state"),
        "?updated_after": Offered("flyListOrgVolumes.updatedAfter"),
        "?limit": Offered("flyListOrgVolumes.limit"),
        "?cursor": Offered("flyListOrgVolumes.cursor"),
        "?summary": Fixed("`true`", "The rest of a volume is in flyGetVolume."),
        "?include_deleted": LeftOut("What is destroyed is of no use."),
    },
    "POST /platform/placements": {
        "org_slug": Offered("flyPlanPlacement.orgSlug"),
        "region": Offered("flyPlanPlacement.region"),
        "count": Offered("flyPlanPlacement.count"),
        "compute": Offered("flyPlanPlacement.cpus"),
        "volume_name": Offered("flyPlanPlacement.volumeName"),
        "volume_size_bytes": Offered("flyPlanPlacement.volumeSizeGb"),
        "weights": LeftOut("What each weight does is not documented; Fly's own are those it places by."),
    },
    "POST /tokens/authenticate": {"header": LeftOut("None is taken here.")},
    "POST /tokens/authorize": {
        "access": LeftOut("None is taken here."),
        "header": LeftOut("None is taken here."),
    },
    "POST /tokens/oidc": {
        "aud": Offered("flyGetOidcToken.audience"),
        "aws_principal_tags": Offered("flyGetOidcToken.awsPrincipalTags"),
    },
}

#: What is sent beyond the document, and whose word that is.
BEYOND: Final[Mapping[str, Mapping[str, str]]] = {
    "POST /apps": {"app_name": "Fly's docs spell `name` so; both are sent."},
    "DELETE /apps/{app_name}": {"?force": "flyctl sends it: machines that run are stopped."},
}

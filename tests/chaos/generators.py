"""For each action a maker of random calls, and how often. A test holds this table against the actions'."""

from __future__ import annotations

from . import ground
from .draw import Draw, Maker, any_machine, of_app
from .makers import apps, machines, network, reads, states, volumes
from .model import Asked

__all__ = ["GENERATORS", "Draw", "draw_one"]

#: How often, and what maker. Two thirds are the writes of the first 23 actions, where most quarrels are; a fifth those
#: of the later ones; the rest are reads.
GENERATORS: dict[str, tuple[float, Maker]] = {
    "flyListApps": (1, reads.plain("flyListApps")),
    "flyGetApp": (1, of_app("flyGetApp")),
    "flyGetAppStatus": (1, of_app("flyGetAppStatus")),
    "flyCreateApp": (9, apps.create_app),
    "flyDeleteApp": (7, apps.delete_app),
    "flyListMachines": (2, of_app("flyListMachines")),
    "flyGetMachine": (2, any_machine("flyGetMachine")),
    "flyCreateMachine": (16, machines.create_machine),
    "flyDeleteMachine": (12, machines.delete_machine),
    "flyStartMachine": (7, any_machine("flyStartMachine")),
    "flyStopMachine": (7, any_machine("flyStopMachine")),
    "flyRestartMachine": (3, any_machine("flyRestartMachine")),
    "flySuspendMachine": (4, any_machine("flySuspendMachine")),
    "flyWaitForMachine": (2, states.wait),
    "flyUpdateMachineConfig": (30, states.or_under_lease(machines.update, 0.06)),
    "flyExecCommand": (8, machines.execute),
    "flyCloneMachine": (4, machines.clone_machine),
    "flySignalMachine": (2, states.signal),
    "flyCordonMachine": (1.5, any_machine("flyCordonMachine")),
    "flyUncordonMachine": (1.5, any_machine("flyUncordonMachine")),
    "flyListProcesses": (0.7, reads.processes),
    "flyListEvents": (0.7, any_machine("flyListEvents")),
    "flyListVersions": (0.7, any_machine("flyListVersions")),
    "flyGetMemory": (0.7, any_machine("flyGetMemory")),
    "flySetMemory": (2, states.set_memory),
    "flyGetLease": (1, any_machine("flyGetLease", ground.HELD, ground.SHARED)),
    "flyAcquireLease": (2.5, states.acquire_lease),
    "flyReleaseLease": (2, states.release_lease),
    "flyListMetadata": (0.7, any_machine("flyListMetadata")),
    "flyGetMetadata": (0.7, states.get_metadata),
    "flySetMetadata": (4, states.set_metadata),
    "flyDeleteMetadata": (1.5, states.delete_metadata),
    "flyListSecrets": (1, of_app("flyListSecrets")),
    "flyGetSecret": (0.7, apps.get_secret),
    "flySetSecrets": (6, apps.set_secrets),
    "flyUnsetSecrets": (4, apps.unset_secrets),
    "flyListSecretKeys": (0.7, of_app("flyListSecretKeys", *ground.POOLS)),
    "flyGenerateSecretKey": (3, apps.generate_key),
    "flyDeleteSecretKey": (2, apps.delete_key),
    "flyScaleMachines": (6, apps.scale),
    "flyScaleWithVolumes": (5, apps.scale_disks),
    "flyListVolumes": (1, of_app("flyListVolumes")),
    "flyGetVolume": (0.7, volumes.of_volume("flyGetVolume")),
    "flyCreateVolume": (11, volumes.create_volume),
    "flyUpdateVolume": (2, volumes.update_volume),
    "flyExtendVolume": (2.5, volumes.extend_volume),
    "flyDeleteVolume": (7, volumes.delete_volume),
    "flyListSnapshots": (0.7, volumes.of_volume("flyListSnapshots")),
    "flyCreateSnapshot": (2.5, volumes.of_volume("flyCreateSnapshot")),
    "flyListCertificates": (0.7, of_app("flyListCertificates", ground.SHARED, *ground.POOLS)),
    "flyCheckCertificate": (0.7, network.check_certificate),
    "flyRequestCertificate": (3, network.request_certificate),
    "flyRemoveCertificate": (2, network.remove_certificate),
    "flyListIps": (0.7, of_app("flyListIps", ground.SHARED, *ground.POOLS)),
    "flyAllocateIp": (4, network.allocate_ip),
    "flyReleaseIp": (3, network.release_ip),
    "flyGetLogs": (0.5, reads.logs),
    "flyListOrgs": (0.4, reads.plain("flyListOrgs")),
    "flyListOrgMachines": (0.6, reads.of_org("flyListOrgMachines")),
    "flyListOrgVolumes": (0.6, reads.of_org("flyListOrgVolumes")),
    "flyListUnattachedVolumes": (0.3, reads.plain("flyListUnattachedVolumes")),
    "flyListRegions": (0.4, reads.plain("flyListRegions")),
    "flyListMachineSizes": (0.4, reads.sizes),
    "flyPlanPlacement": (0.4, reads.placement),
    "flyGetTokenInfo": (0.4, reads.plain("flyGetTokenInfo")),
    "flyGetOidcToken": (0.2, reads.plain("flyGetOidcToken")),
}
_NAMES = list(GENERATORS)
_WEIGHTS = [weight for weight, _ in GENERATORS.values()]


def draw_one(draw: Draw) -> Asked:
    """A random call of a random action."""
    while True:
        (name,) = draw.rng.choices(_NAMES, _WEIGHTS)
        asked = GENERATORS[name][1](draw)
        if asked is not None:
            return asked

"""Fly's JSON for the objects of the world (reference 3)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from .config import Check, MachineConfig
from .world import App, Event, Lease, Machine, Secret, Snapshot, Volume, World

Object = dict[str, Any]


def moment(at: float) -> str:
    """RFC 3339 in whole seconds."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment_ms(at: float) -> str:
    """RFC 3339 in milliseconds, as volumes have it."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def app_status(app: App) -> str:
    """`pending` before the first machine, `suspended` when none runs, else `deployed` (reference 3.1)."""
    if not app.had_machines:
        return "pending"
    resting = ("stopped", "suspended", "failed", "destroying", "destroyed")
    return "deployed" if any(m.state not in resting for m in app.machines.values()) else "suspended"


def app_view(world: World, app: App, *, full: bool = False) -> Object:
    """An app; `full` adds what only the single get has."""
    org = world.orgs[app.org]
    view: Object = {
        "id": app.id,
        "name": app.name,
        "internal_numeric_id": app.number,
        "machine_count": sum(machine.alive for machine in app.machines.values()),
        "volume_count": sum(volume.state != "destroyed" for volume in app.volumes.values()),
        "network": app.network,
        "organization": {"name": org.name, "slug": org.slug, "internal_numeric_id": org.number},
        "status": app_status(app),
    }
    if full:
        view["cname_target"] = f"{app.id[:7]}.{app.name}.fly.dev"
        view["app_role"] = app.role
    return view


def event_view(event: Event) -> Object:
    """A line of a machine's history."""
    view: Object = {
        "id": event.id,
        "type": event.type,
        "status": event.status,
        "source": event.source,
        "timestamp": int(event.at * 1000),
    }
    if event.exit is not None:
        how: Object = {
            "exit_code": event.exit.exit_code,
            "guest_exit_code": event.exit.exit_code,
            "guest_signal": event.exit.signal,
            "oom_killed": event.exit.oom_killed,
            "requested_stop": event.exit.requested_stop,
            "restarting": event.exit.restarting,
            "signal": -1,
            "exited_at": moment_ms(event.at),
        }
        view["request"] = {"exit_event": how, "restart_count": event.restart_count}
    return view


def machine_view(machine: Machine, *, summary: bool = False, nonce: str | None = None) -> Object:
    """A machine; `summary` leaves out config, checks, events, host status and nonce."""
    image = machine.image_ref
    ref: Object = {
        "registry": image.registry,
        "repository": image.repository,
        "tag": image.tag,
        "digest": image.digest,
        "labels": dict(image.labels),
    }
    view: Object = {
        "id": machine.id,
        "name": machine.name,
        "state": machine.state,
        "region": machine.region,
        "image_ref": {key: value for key, value in ref.items() if value},
        "instance_id": machine.instance_id,
        "version": machine.instance_id,
        "private_ip": machine.private_ip,
        "created_at": moment(machine.created_at),
        "updated_at": moment(machine.updated_at),
        "cordoned": machine.cordoned,
    }
    if summary:
        return view
    config = config_view(machine.config)
    # Not fit for cloning when the host does not answer (reference 3.2).
    view["config" if machine.host_status == "ok" else "incomplete_config"] = config
    view["events"] = [event_view(event) for event in machine.events[:20]]
    checks = checks_view(machine)
    if checks:
        view["checks"] = checks
    view["host_status"] = machine.host_status
    if machine.config.containers:
        state = "running" if machine.state == "started" else "stopped"
        view["containers"] = [{"name": one.name, "state": state} for one in machine.config.containers]
    if nonce is not None:
        view["nonce"] = nonce
    return view


def config_view(config: MachineConfig) -> Object:
    """A config as Fly echoes it."""
    return config.as_fly_answers()


def checks_view(machine: Machine) -> list[Object]:
    """Health checks: top-level ones by name, those of services as `servicecheck-...`."""
    named: dict[str, Check] = dict(machine.config.checks or {})
    for service in machine.config.services or []:
        for index, check in enumerate(service.checks or []):
            kind, port = check.type or "tcp", check.port or service.internal_port or 0
            named[f"servicecheck-{index:02d}-{kind}-{port}"] = check
    views: list[Object] = []
    for name in named:
        failing = "*" in machine.failing_checks or name in machine.failing_checks
        passing = machine.state == "started" and not failing
        since = machine.started_at if passing and machine.started_at is not None else machine.updated_at
        views.append(
            {
                "name": name,
                "status": "passing" if passing else "critical",
                "output": "Success" if passing else "connect: connection refused",
                "updated_at": moment_ms(since),
            }
        )
    return views


def volume_view(volume: Volume, *, summary: bool = False) -> Object:
    """A volume; `summary` drops the block counts."""
    view: Object = {
        "id": volume.id,
        "name": volume.name,
        "state": volume.state,
        "size_gb": volume.size_gb,
        "region": volume.region,
        "zone": volume.zone,
        "encrypted": volume.encrypted,
        "attached_machine_id": volume.attached_machine_id,
        "attached_alloc_id": None,
        "created_at": moment_ms(volume.created_at),
        "snapshot_retention": volume.snapshot_retention,
        "auto_backup_enabled": volume.auto_backup_enabled,
        "host_dedication_id": "",
        "host_status": volume.host_status,
        "type": "local",
    }
    if summary:
        return view
    # No blocks and no file system until it is first mounted (reference 3.4 [D]).
    blocks = volume.size_gb * 245_760 if volume.formatted else 0
    used = (sum(len(text) for text in volume.files.values()) + 4095) // 4096 if volume.formatted else 0
    return view | {
        "fstype": volume.fstype if volume.formatted else "",
        "blocks": blocks,
        "block_size": 4096,
        "blocks_free": max(0, blocks - used),
        "blocks_avail": max(0, blocks - used - blocks // 20),
        "bytes_used": used * 4096,
        "bytes_total": blocks * 4096,
    }


def snapshot_view(snapshot: Snapshot) -> Object:
    """A snapshot; sizes in bytes."""
    return {
        "id": snapshot.id,
        "size": snapshot.size,
        "digest": snapshot.digest,
        "created_at": moment(snapshot.created_at),
        "status": snapshot.status,
        "volume_size": snapshot.volume_size,
        "retention_days": snapshot.retention_days,
    }


def secret_view(secret: Secret, *, value: bool = False) -> Object:
    """A secret; its value only when asked for by one who may."""
    view: Object = {
        "name": secret.name,
        "digest": secret.digest,
        "created_at": moment(secret.created_at),
        "updated_at": moment(secret.updated_at),
    }
    return view | ({"value": secret.value} if value else {})


def lease_view(machine: Machine, lease: Lease) -> Object:
    """The envelope that leases come in (reference 3.5: the document's flat lease is wrong)."""
    data: Object = {
        "nonce": lease.nonce,
        "expires_at": int(lease.expires_at),
        "owner": lease.owner,
        "description": lease.description,
        "version": machine.instance_id,
    }
    return {"status": "success", "data": data}

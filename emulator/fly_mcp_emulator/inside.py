"""What a command sees inside a running machine: its environment, files and processes."""

from __future__ import annotations

from .lifecycle.history import image_of
from .lifecycle.rootfs import MountedFiles
from .shell import ListenSocket, Process
from .state import State
from .world import App, Machine


def environment(app: App, machine: Machine) -> dict[str, str]:
    """Return the environment of the running version: Fly's own, the config's, the secrets it booted with.

    A secret wins over a variable of the same name. None of it changes while the version runs (reference 6.5).
    """
    config = machine.config
    guest, metadata = config.guest, config.metadata or {}
    ref = machine.image_ref
    own = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "FLY_APP_NAME": app.name,
        "FLY_MACHINE_ID": machine.id,
        "FLY_ALLOC_ID": machine.id,
        "FLY_MACHINE_VERSION": machine.instance_id,
        "FLY_REGION": machine.region,
        "PRIMARY_REGION": machine.region,
        "FLY_PRIVATE_IP": machine.private_ip,
        "FLY_IMAGE_REF": f"{ref.registry}/{ref.repository}:{ref.tag}",
        "FLY_PROCESS_GROUP": metadata.get("fly_process_group", metadata.get("process_group", "")),
        "FLY_VM_MEMORY_MB": str(guest.memory_mb if guest else 256),
    }
    return own | dict(config.env or {}) | machine.secrets.values


def files(app: App, machine: Machine) -> MountedFiles:
    """Return the machine's file system, its volume mounted. Changes go where they belong."""
    volume = app.volumes.get(machine.volume_id or "")
    if volume is None or not machine.config.mounts:
        return MountedFiles(machine.files)
    return MountedFiles(machine.files, volume.files, machine.config.mounts[0].path or "")


def processes(state: State, machine: Machine) -> list[Process]:
    """Return what runs: Fly's init, then what the image starts."""
    since = machine.started_at or machine.updated_at
    running = [Process(pid=1, ppid=0, user="root", command="/fly/init", rss_kb=8192, stime=since)]
    for one in image_of(state, machine).processes:
        sockets = tuple(ListenSocket(socket.proto, socket.address) for socket in one.listen_sockets)
        process = Process(
            pid=one.pid,
            ppid=one.ppid,
            user=one.user,
            command=one.command,
            cpu=one.cpu,
            rss_kb=one.rss_kb,
            stime=since,
            directory=one.directory,
            listen_sockets=sockets,
        )
        running = [kept for kept in running if kept.pid != process.pid] + [process]
    if len(running) == 1:
        running.append(_main_process(machine, since))
    return running


def _main_process(machine: Machine, since: float) -> Process:
    init = machine.config.init
    command = " ".join(init.exec or [*(init.entrypoint or []), *(init.cmd or [])]) or "/app/server"
    ports = [service.internal_port for service in machine.config.services or [] if service.internal_port]
    sockets = tuple(ListenSocket("tcp", f"0.0.0.0:{port}") for port in dict.fromkeys(ports))
    return Process(
        pid=314,
        ppid=1,
        user="root",
        command=command,
        cpu=0.1,
        rss_kb=24576,
        stime=since,
        listen_sockets=sockets,
    )

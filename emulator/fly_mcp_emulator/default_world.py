"""The world of the seeds' examples: every documented call can be typed as it stands."""

from __future__ import annotations

import base64

from .config import MachineConfig
from .shell.samples import DEFAULT_BOOTED_AT, default_files, default_processes, default_volume_files
from .world import (
    App,
    Certificate,
    Image,
    IpAddress,
    Machine,
    Org,
    Release,
    Secret,
    SecretKey,
    Token,
    Volume,
    World,
)
from .world.image import ImageProcess, ListenSocket

_BEGAN = DEFAULT_BOOTED_AT - 600.0
"""The day in the seeds' example answers; the machine is up ten minutes after the app was made."""
_IMAGE = "registry.fly.io/catvet-records:deployment-01HM6ZQ4X2J8V5R3T7Y9W1K0NB"

#: The end of the year 2099.
_FAR = 4_102_444_799.0
_MOUNT = "/data"
_RECORDS_RELEASE = Release(
    id="vZ4kQm7RbNw2XtD9sLpJh",
    version=1,
    image=_IMAGE,
    user="ada@example.com",
    created_at=_BEGAN + 590,
    updated_at=_BEGAN + 610,
)
_WEB_RELEASE = Release(
    id="y8TnVc3GxPq6MfK1wSzBd",
    version=1,
    image="registry.fly.io/catvet-web:deployment-01HMB3W7N5D9K1R4T8Y2Z6X0QC",
    user="ada@example.com",
    created_at=_BEGAN + 172_790,
    updated_at=_BEGAN + 172_810,
)


def default_world() -> World:
    """Return a new copy of the default world."""
    return World(
        orgs={
            "personal": Org(slug="personal", name="Personal", type="PERSONAL"),
            "lab-team": Org(slug="lab-team", name="Lab Team"),
        },
        apps={app.name: app for app in (_catvet_records(), _my_sandbox(), _lab_batch(), _catvet_web())},
        images={_IMAGE: _image()},
        tokens=_tokens(),
    )


def _catvet_records() -> App:
    machine = Machine(
        id="7846e45f27e218",
        name="young-sound-9626",
        region="fra",
        state="started",
        private_ip="fdaa:0:1234::1",
        created_at=DEFAULT_BOOTED_AT - 2,
        updated_at=DEFAULT_BOOTED_AT,
        config=MachineConfig.model_validate(
            {
                "image": _IMAGE,
                "env": {"NODE_ENV": "development", "PORT": "8080"},
                "guest": {"cpu_kind": "shared", "cpus": 1, "memory_mb": 1024},
                "metadata": _deployed(_RECORDS_RELEASE),
                "mounts": [{"volume": "vol_r77m35j7kj10613r", "path": _MOUNT}],
                "restart": {"policy": "on-failure", "max_retries": 10},
                "services": [_web_service("stop")],
            }
        ),
    )
    names = ("ANTHROPIC_API_KEY", "OPENCODE_SERVER_PASSWORD", "OLD_API_KEY")
    return App(
        name="catvet-records",
        org="personal",
        created_at=_BEGAN,
        machines={machine.id: machine},
        volumes={
            "vol_r77m35j7kj10613r": Volume(
                id="vol_r77m35j7kj10613r",
                name="catvet_data",
                region="fra",
                created_at=_BEGAN + 300,
                files={path.removeprefix(_MOUNT): text for path, text in default_volume_files().items()},
            ),
            "vol_abc123": Volume(id="vol_abc123", name="catvet_data", region="fra", created_at=_BEGAN + 900),
        },
        secrets={
            name: Secret(
                name=name, value=f"emulated-{name.lower()}", created_at=_BEGAN + 60, updated_at=_BEGAN + 60
            )
            for name in names
        },
        releases=[_RECORDS_RELEASE.model_copy()],
    )


def _my_sandbox() -> App:
    volume = Volume(id="vol_xxx", name="data", region="fra", created_at=_BEGAN + 7200)
    return App(name="my-sandbox", org="personal", created_at=_BEGAN + 3600, volumes={volume.id: volume})


def _lab_batch() -> App:
    machine = Machine(
        id="3d8d9a2b64e189",
        name="quiet-river-2208",
        region="iad",
        state="stopped",
        created_at=_BEGAN + 86_400,
        updated_at=_BEGAN + 90_000,
        config=MachineConfig.model_validate(
            {"image": "debian:bookworm-slim", "metadata": {"fly_process_group": "app"}}
        ),
    )
    return App(name="lab-batch", org="lab-team", created_at=_BEGAN + 86_000, machines={machine.id: machine})


def _catvet_web() -> App:
    """An app without volumes, for scaling: the documented actions have one for each kind."""
    machine = Machine(
        id="2874d1ea0f5e38",
        name="bold-meadow-4471",
        region="fra",
        state="started",
        created_at=_BEGAN + 172_800,
        updated_at=_BEGAN + 172_802,
        config=MachineConfig.model_validate(
            {
                "image": _WEB_RELEASE.image,
                "metadata": _deployed(_WEB_RELEASE),
                "services": [_web_service("suspend")],
            }
        ),
    )
    return App(
        name="catvet-web",
        org="personal",
        created_at=_BEGAN + 172_000,
        machines={machine.id: machine},
        releases=[_WEB_RELEASE.model_copy()],
        ips={address.ip: address for address in _addresses(_BEGAN + 172_700)},
        certificates={
            "www.catvet.example": Certificate(
                hostname="www.catvet.example",
                issued=True,
                created_at=_BEGAN + 180_000,
                updated_at=_BEGAN + 180_030,
                # Renewed for ever: the world's clock may be that of any year.
                expires_at=_FAR,
            )
        },
        secret_keys={
            "sessions-v1": SecretKey(
                name="sessions-v1",
                type="hs256",
                value=base64.b64encode(b"emulated-key-for-session-cookies").decode(),
                created_at=_BEGAN + 172_600,
                updated_at=_BEGAN + 172_600,
            )
        },
    )


def _addresses(at: float) -> list[IpAddress]:
    """Return what flyctl gives an app with its first deploy: a shared IPv4 and an IPv6."""
    return [
        IpAddress(ip="66.241.124.7", shared=True, created_at=at),
        IpAddress(ip="2a09:8280:1::5c:1f2e:0", created_at=at),
    ]


def _deployed(release: Release) -> dict[str, str]:
    """Return the metadata that flyctl gives the machines of a release (reference 7.1)."""
    return {
        "fly_platform_version": "v2",
        "fly_process_group": "app",
        "fly_release_id": release.id,
        "fly_release_version": str(release.version),
    }


def _web_service(autostop: str) -> dict[str, object]:
    return {
        "protocol": "tcp",
        "internal_port": 8080,
        "autostop": autostop,
        "autostart": True,
        "min_machines_running": 0,
        "ports": [
            {"port": 80, "handlers": ["http"], "force_https": True},
            {"port": 443, "handlers": ["tls", "http"]},
        ],
        "checks": [{"type": "tcp", "port": 8080, "interval": "15s", "timeout": "2s"}],
    }


def _image() -> Image:
    return Image(
        files=default_files(),
        processes=[
            ImageProcess(
                pid=process.pid,
                ppid=process.ppid,
                user=process.user,
                command=process.command,
                cpu=process.cpu,
                rss_kb=process.rss_kb,
                directory=process.directory,
                listen_sockets=[
                    ListenSocket(proto=one.proto, address=one.address) for one in process.listen_sockets
                ],
            )
            for process in default_processes()
        ],
    )


def _tokens() -> list[Token]:
    """Tokens with narrower rights, for trying 401 and 403; any other word is good for everything."""
    return [
        Token(text="fm2_emulator_org", name="org", kind="org", org="personal"),
        Token(text="fm2_emulator_deploy", name="deploy", kind="deploy", org="personal", app="catvet-records"),
        Token(text="fm2_emulator_readonly", name="readonly", kind="readonly", org="personal"),
        Token(
            text="fm2_emulator_machine_exec",
            name="machine-exec",
            kind="machine-exec",
            org="personal",
            app="catvet-records",
        ),
        Token(text="fm2_emulator_expired", name="expired", kind="org", org="personal", expires_at=_BEGAN),
        Token(text="fm2_emulator_other_org", name="other-org", kind="org", org="lab-team"),
    ]

"""Names and ids as Fly rules them (reference 2.1): checked before anything is sent.

The rules live in validators, not in JSON Schema patterns: a pattern costs tokens in every tool, and its
error text helps nobody. The same characters are checked once more where URLs are made (`request.py`).
"""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated

from pydantic import AfterValidator, Field

_APP = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
#: Loose on purpose: Fly has used 13 to 15 hex digits over the years.
_MACHINE = re.compile(r"[0-9a-f]{8,20}")
_MACHINE_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_VOLUME = re.compile(r"vol_[a-z0-9]{2,32}")
_VOLUME_NAME = re.compile(r"[a-z0-9_]{1,30}")
_ORG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_SECRET = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")
_REGION = re.compile(r"[a-z]{3}")
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,254}")
_REQUEST = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_UNDO = re.compile(r"undo_[0-9a-f]{16}")
_SNAPSHOT = re.compile(r"vs_[A-Za-z0-9]{2,40}")
_KEY = re.compile(r"[A-Za-z0-9_-]{1,100}")
_HOST = re.compile(
    r"(?=.{4,253}$)(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]"
)
_PATH = re.compile(r"/[^\x00-\x1f\x7f]{1,254}")


def _rule(pattern: re.Pattern[str], message: str) -> AfterValidator:
    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise ValueError(message)
        return value

    return AfterValidator(check)


def _ip(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise ValueError("must be an IPv4 or IPv6 address as flyListIps shows it") from None


def is_secret_name(name: str) -> bool:
    """Whether `name` can be an environment variable, and so can safely be repeated in an error."""
    return _SECRET.fullmatch(name) is not None


AppName = Annotated[
    str,
    Field(description="App name"),
    _rule(
        _APP,
        "app names are 1 to 63 lower-case letters, digits and dashes, and start and end with a letter or "
        "digit; flyListApps lists them",
    ),
]
MachineId = Annotated[
    str,
    Field(description="Machine ID"),
    _rule(_MACHINE, "machine IDs are 14 hex digits such as 7846e45f27e218; flyListMachines lists them"),
]
MachineName = Annotated[
    str,
    _rule(
        _MACHINE_NAME,
        "machine names are 1 to 63 lower-case letters, digits and dashes, and start and end with a letter or "
        "digit",
    ),
]
VolumeId = Annotated[
    str,
    Field(description="Volume ID"),
    _rule(_VOLUME, "volume IDs look like vol_r77m35j7kj10613r; flyListVolumes lists them"),
]
VolumeName = Annotated[
    str, _rule(_VOLUME_NAME, "volume names are 1 to 30 lower-case letters, digits and underscores; no dash")
]
OrgSlug = Annotated[
    str, _rule(_ORG, "organisation slugs are lower-case letters, digits and dashes, such as personal")
]
SecretName = Annotated[
    str, _rule(_SECRET, "secret names are letters, digits and underscores, and do not start with a digit")
]
RegionCode = Annotated[str, _rule(_REGION, "region codes are three lower-case letters such as fra")]
Image = Annotated[
    str, _rule(_IMAGE, "images are registry references such as nginx:1.27 or registry.fly.io/app:tag")
]
RequestId = Annotated[
    str,
    _rule(
        _REQUEST, "request IDs are 1 to 64 letters, digits, dots, colons, dashes or underscores, made by you"
    ),
]
UndoReference = Annotated[
    str, _rule(_UNDO, "undo references look like undo_0123456789abcdef; the answer to a deletion has it")
]
SnapshotId = Annotated[
    str,
    _rule(
        _SNAPSHOT,
        "snapshot IDs look like vs_MaeM6j2GqbBvcz4LAOPd; flyListSnapshots and the answer to a deletion have them",
    ),
]
KeyName = Annotated[
    str, _rule(_KEY, "names of secret keys are 1 to 100 letters, digits, dashes and underscores")
]
Hostname = Annotated[
    str,
    Field(description="Host name, *. for a wildcard"),
    AfterValidator(str.lower),
    _rule(
        _HOST,
        "host names are labels with dots between, such as www.example.com or *.example.com, without scheme, port "
        "or path; other than ASCII as punycode",
    ),
]
IpAddress = Annotated[str, Field(description="IP address"), AfterValidator(_ip)]
NetworkName = Annotated[
    str,
    _rule(
        _MACHINE_NAME,
        "network names are 1 to 63 lower-case letters, digits and dashes, and start and end with a letter or digit",
    ),
]
MountPath = Annotated[str, _rule(_PATH, "mount paths are absolute, such as /data")]

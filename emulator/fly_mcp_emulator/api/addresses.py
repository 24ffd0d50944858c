"""IP addresses of an app (reference 4.8). Answered by the service whose refusals are `{"message": ...}`."""

from __future__ import annotations

from typing import Any

from fly_mcp_emulator.answer import Answer
from fly_mcp_emulator.call import Body, Call
from fly_mcp_emulator.errors import FlyError
from fly_mcp_emulator.regions import offered
from fly_mcp_emulator.routing import Endpoint
from fly_mcp_emulator.views import moment
from fly_mcp_emulator.world import IpAddress

_SHARED_V4 = "66.241.124.7"
_TYPES = ("v4", "v6", "shared_v4", "private_v6", "egress_v4", "egress_v6", "egress_pair")


class Assign(Body):
    """What kind of address, and where."""

    type: str = ""
    region: str = ""
    org_slug: str = ""
    network: str = ""
    service_name: str = ""


def list_addresses(call: Call) -> Answer:
    """All addresses."""
    return Answer({"ips": [_view(address) for address in call.app.ips.values()]})


def assign_address(call: Call) -> Answer:
    """Assign one; the shared IPv4 address is the same one each time."""
    body, app, state = call.read(Assign), call.app, call.state
    if body.type not in _TYPES:
        raise FlyError(400, f"invalid ip type: {body.type[:64]}")
    if body.region and body.region != "global" and not offered(body.region):
        raise FlyError(400, f"region {body.region[:64]} not found")
    address = IpAddress(
        ip=_new_ip(call, body.type),
        region=body.region or "global",
        service_name=body.service_name,
        shared=body.type == "shared_v4",
        egress=body.type.startswith("egress_"),
        created_at=state.now(),
    )
    kept = app.ips.setdefault(address.ip, address)
    return Answer(_view(kept))


def release_address(call: Call) -> Answer:
    """Give one back."""
    if call.app.ips.pop(call.params["ip"], None) is None:
        raise FlyError(404, "IP address not found")
    return Answer(status=204)


def _new_ip(call: Call, type_: str) -> str:
    if type_ == "shared_v4":
        return _SHARED_V4
    digits = call.state.ids.hex(12)
    if type_ in ("v4", "egress_v4"):
        third, fourth = int(digits[:2], 16), int(digits[2:4], 16)
        return f"{'213.188' if type_ == 'v4' else '209.71'}.{third}.{fourth}"
    if type_ == "private_v6":
        # Flycast addresses start with fdaa: (reference 4.8).
        return f"fdaa:0:{digits[:4]}:0:1::{digits[4:6].lstrip('0') or '2'}"
    return f"2a09:8280:1::{digits[:2].lstrip('0') or '1'}:{digits[2:6]}:0"


def _view(address: IpAddress) -> dict[str, Any]:
    return {
        "ip": address.ip,
        "region": address.region,
        "service_name": address.service_name,
        "shared": address.shared,
        "created_at": moment(address.created_at),
    }


_PATH = "/v1/apps/{app}/ip_assignments"
ENDPOINTS = (
    Endpoint("GET", _PATH, list_addresses, "r", shape="message", sure=("client", "document")),
    Endpoint(
        "POST",
        _PATH,
        assign_address,
        "w",
        shape="message",
        sure=("client", "document", "inferred"),
        lacks="Addresses are made up and lead nowhere; `network` and `org_slug` are taken and ignored.",
    ),
    Endpoint(
        "DELETE",
        f"{_PATH}/{{ip}}",
        release_address,
        "w",
        shape="message",
        sure=("client", "document", "inferred"),
    ),
)

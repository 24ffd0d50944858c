"""One request, as handlers see it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar, cast

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from .errors import FlyError, app_not_found, bad_request, forbidden, not_found
from .state import State
from .tokens import Access, Principal
from .world import App, Machine, Volume

NONCE = "fly-machine-lease-nonce"


class Body(BaseModel):
    """Base of request bodies: unknown keys are ignored, null is "not given", types are strict, as in Go."""

    model_config = ConfigDict(extra="ignore", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {key: item for key, item in cast(dict[str, object], value).items() if item is not None}


BodyT = TypeVar("BodyT", bound=BaseModel)


@dataclass(frozen=True)
class Call:
    """A request that was routed and whose token is known."""

    state: State
    principal: Principal
    params: Mapping[str, str]
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes
    request_id: str

    def first(self, name: str) -> str | None:
        """Return a query parameter, None when it is absent or empty."""
        return next((value for key, value in self.query if key == name and value), None)

    def every(self, name: str) -> list[str]:
        """Return all values of a query parameter, repeated or in comma lists."""
        values = [value for key, value in self.query if key in (name, f"{name}[]")]
        return [word.strip() for value in values for word in value.split(",") if word.strip()]

    def flag(self, name: str) -> bool:
        """Tell whether a boolean query parameter is true, as Go's `ParseBool` reads it."""
        return self.first(name) in ("1", "t", "T", "true", "TRUE", "True")

    def whole(self, name: str) -> int | None:
        """Return an integer query parameter. Raises: `FlyError` 400."""
        text = self.first(name)
        if text is None:
            return None
        if not text.removeprefix("-").isascii() or not text.removeprefix("-").isdigit() or len(text) > 18:
            raise bad_request(f"invalid {name}: {text[:64]!r} is not an integer")
        return int(text)

    @property
    def nonce(self) -> str | None:
        """The lease nonce that came with the request."""
        return self.headers.get(NONCE) or None

    def read(self, model: type[BodyT], *, optional: bool = False) -> BodyT:
        """Return the body as `model`; an empty one counts as `{}` when it is optional.

        Raises: `FlyError` 400 when it is no JSON, or not of the right types.
        """
        if optional and not self.body.strip():
            return model()
        try:
            given = json.loads(self.body)
        except (ValueError, RecursionError):
            raise bad_request("unable to decode request body: invalid JSON") from None
        if not isinstance(given, dict):
            raise bad_request("unable to decode request body: expected a JSON object")
        try:
            return model.model_validate(given)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise bad_request(f"unable to decode request body: {where}: {first['msg']}") from None

    @property
    def app(self) -> App:
        """The app of the path, as it is now. Raises: 404 when it is nowhere, 403 when it is out of sight."""
        name = self.params["app"]
        app = self.state.world.apps.get(name)
        if app is None or self._hidden(app):
            raise app_not_found(name)
        if not self.principal.sees(app.org, app.name):
            # 403, and 404 only for an app that is nowhere (reference 1.3 [C]).
            raise forbidden(f"token is not authorized for app {name}")
        return app

    def require(self, access: Access) -> None:
        """Check that the token may do something to the app of the path. Raises: 404, 403."""
        app = self.app
        if not self.principal.may(access, app.org, app.name):
            raise forbidden(f"token does not have permission for this action on app {app.name}")

    def _hidden(self, app: App) -> bool:
        # Right after its creation an app may be 404 for a moment (reference 4.1 [C]).
        hidden_until = app.created_at + self.state.world.settings.new_app_hidden_seconds
        return self.state.now() < max(hidden_until, app.hidden_until)

    @property
    def machine(self) -> Machine:
        """The machine of the path. Raises: 404."""
        machine = self.app.machines.get(self.params["id"])
        if machine is None or not machine.readable or self.state.now() < machine.hidden_until:
            raise not_found("machine")
        return machine

    @property
    def volume(self) -> Volume:
        """The volume of the path. Raises: 404."""
        volume = self.app.volumes.get(self.params["vol"])
        if volume is None or volume.state == "destroyed":
            raise not_found("volume")
        return volume

    def org(self, slug: str | None, access: Access) -> str:
        """Return the slug of an organisation, `personal` resolved. Raises: 404, 403."""
        orgs = self.state.world.orgs
        if slug == "personal" and slug not in orgs:
            # "`personal` is a valid alias" (reference 4.1).
            slug = next((org.slug for org in orgs.values() if org.type == "PERSONAL"), slug)
        if not slug or slug not in orgs:
            raise FlyError(404, "not_found: organization not found")
        if not self.principal.sees(slug) or not self.principal.may(access, slug):
            raise forbidden(f"token is not authorized for organization {slug}")
        return slug

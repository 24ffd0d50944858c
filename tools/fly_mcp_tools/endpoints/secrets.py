"""Secrets."""

from __future__ import annotations

from fly_mcp_tools.endpoint import Endpoint

from .sources import SPEC

LIST_SECRETS = Endpoint(
    name="list_secrets",
    says="list the secret names of {app_name}",
    method="GET",
    path="/v1/apps/{app_name}/secrets",
    idempotent=True,
    source=SPEC,
)
SET_SECRETS = Endpoint(
    name="set_secrets",
    says="change the secrets of {app_name}",
    method="POST",
    path="/v1/apps/{app_name}/secrets",
    idempotent=True,  # the same values again: only Fly's version counter moves once more
    source=SPEC,
    secret_body=True,
)
GET_SECRET = Endpoint(
    name="get_secret",
    says="read about secret {secret_name} of {app_name}",
    method="GET",
    path="/v1/apps/{app_name}/secrets/{secret_name}",
    idempotent=True,
    source=SPEC,
)
LIST_SECRET_KEYS = Endpoint(
    name="list_secret_keys",
    says="list the secret keys of {app_name}",
    method="GET",
    path="/v1/apps/{app_name}/secretkeys",
    idempotent=True,
    source=SPEC,
)
GET_SECRET_KEY = Endpoint(
    name="get_secret_key",
    says="read about secret key {key_name} of {app_name}",
    method="GET",
    path="/v1/apps/{app_name}/secretkeys/{key_name}",
    idempotent=True,
    source=SPEC,
)
GENERATE_SECRET_KEY = Endpoint(
    name="generate_secret_key",
    says="generate secret key {key_name} of {app_name}",
    method="POST",
    path="/v1/apps/{app_name}/secretkeys/{key_name}/generate",
    idempotent=False,  # a second one is another key in the place of the first
    source=SPEC,
)
DELETE_SECRET_KEY = Endpoint(
    name="delete_secret_key",
    says="delete secret key {key_name} of {app_name}",
    method="DELETE",
    path="/v1/apps/{app_name}/secretkeys/{key_name}",
    idempotent=True,
    destroys=True,
    source=SPEC,
)

ROWS: tuple[Endpoint, ...] = (
    LIST_SECRETS,
    SET_SECRETS,
    GET_SECRET,
    LIST_SECRET_KEYS,
    GET_SECRET_KEY,
    GENERATE_SECRET_KEY,
    DELETE_SECRET_KEY,
)

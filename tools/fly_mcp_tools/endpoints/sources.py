"""Where Fly documents its calls."""

from __future__ import annotations

DOCS = "https://fly.io/docs/machines/api/"
APPS = DOCS + "apps-resource/"
MACHINES = DOCS + "machines-resource/"
VOLUMES = DOCS + "volumes-resource/"
CERTIFICATES = DOCS + "certificates-resource/"
OIDC = "https://fly.io/docs/security/openid-connect/"
SPEC = "https://docs.machines.dev/spec/openapi3.json"
#: What Fly documents nowhere, and its own client does.
FLYCTL = "https://github.com/superfly/flyctl"

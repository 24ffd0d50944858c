"""Where actions are documented."""

APPS = "https://fly.io/docs/machines/api/apps-resource/"
MACHINES = "https://fly.io/docs/machines/api/machines-resource/"
VOLUMES = "https://fly.io/docs/machines/api/volumes-resource/"
SECRETS = "https://fly.io/docs/apps/secrets/"
SCALING = "https://fly.io/docs/launch/scale-count/"
#: Fly's description of its API, for what has no page.
SPEC = "https://docs.machines.dev/spec/openapi3.json"
#: What Fly documents nowhere, and its own client does.
FLYCTL = "https://github.com/superfly/flyctl"
PRICING = "https://fly.io/docs/about/pricing/"

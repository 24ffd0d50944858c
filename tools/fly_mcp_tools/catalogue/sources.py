"""Where actions are documented."""

APPS = "https://fly.io/docs/machines/api/apps-resource/"
MACHINES = "https://fly.io/docs/machines/api/machines-resource/"
VOLUMES = "https://fly.io/docs/machines/api/volumes-resource/"
SECRETS = "https://fly.io/docs/apps/secrets/"
SCALING = "https://fly.io/docs/launch/scale-count/"

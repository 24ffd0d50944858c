"""What Fly's web service answers outside the Machines API: logs, releases, organisations (reference 8)."""

from . import logs, organizations, releases

ENDPOINTS = (*logs.ENDPOINTS, *releases.ENDPOINTS, *organizations.ENDPOINTS)
"""Every operation of the web REST that is modelled. None is in Fly's published document."""

"""Fly's GraphQL, as far as flyctl and fly-admin ask for it (reference 8.2)."""

from .endpoint import ENDPOINTS

__all__ = ["ENDPOINTS"]

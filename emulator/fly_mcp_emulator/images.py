"""Reading image names as a registry client does (reference 3.2)."""

from __future__ import annotations

import hashlib

from .world import ImageRef

_DOCKER_HUB = "registry-1.docker.io"


def resolve(name: str) -> ImageRef:
    """Return the resolved image: `ubuntu` is `library/ubuntu:latest` of Docker's registry.

    The digest is made up from the name, the same one each time. Raises: `ValueError` for what is no name.
    """
    if not name or name != name.strip() or any(character.isspace() for character in name) or len(name) > 512:
        raise ValueError("could not parse reference")
    rest, _, digest = name.partition("@")
    path, tag = rest, ""
    if ":" in rest.rpartition("/")[2]:
        path, _, tag = rest.rpartition(":")
    host, slash, repository = path.partition("/")
    if not slash or not (host == "localhost" or "." in host or ":" in host):
        host, repository = _DOCKER_HUB, path if slash else f"library/{path}"
    if not repository or not repository.strip("/"):
        raise ValueError("could not parse reference")
    digest = digest or "sha256:" + hashlib.sha256(name.encode(errors="replace")).hexdigest()
    return ImageRef(
        registry=host, repository=repository, tag=tag or ("" if "@" in name else "latest"), digest=digest
    )

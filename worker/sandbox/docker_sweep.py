"""What a worker marks its containers and volumes with, and the clearing of what killed workers left.

A worker that runs in a container itself is judged by that container, which the engine knows: its process numbers mean
nothing to another. A worker on the host is judged by its process, and only by workers of the same host.
"""

import socket
from collections.abc import Mapping
from contextlib import suppress

import docker
import docker.errors

from worker.sandbox import owner, watch

CELL = "grader.cell"
_HOST = "grader.host"
_HOME = "grader.home"


def labels(api: docker.APIClient, mark: str) -> dict[str, str]:
    """The labels of everything in the cell called `mark`. From now on somebody clears up after us."""
    watch.begin(engine=True)
    return {CELL: mark, _HOST: socket.gethostname(), _HOME: _home(api, socket.gethostname())}


def sweep(api: docker.APIClient) -> list[str]:
    """Remove what certainly belongs to nobody any more; what that was. Two workers at it at once do no harm."""
    ours = {"label": [CELL]}
    homes: dict[str, bool] = {}
    removed = []
    for container in api.containers(all=True, filters=ours):
        if _is_stale(api, container["Labels"], homes):
            with suppress(docker.errors.APIError):
                api.remove_container(container["Id"], force=True, v=True)
                removed.append(f"container {container['Id'][:12]}")
    for volume in api.volumes(filters=ours)["Volumes"] or ():
        if _is_stale(api, volume["Labels"], homes):
            with suppress(docker.errors.APIError):
                api.remove_volume(volume["Name"], force=True)
                removed.append(f"volume {volume['Name']}")
    return removed


def _home(api: docker.APIClient, container: str) -> str:
    """Which start of which container that is, while it runs; "" where it is none of this engine's."""
    try:
        found = api.inspect_container(container)
    except docker.errors.APIError:
        return ""
    # a host may be called like a container is called, but not like its number
    if not found["Id"].startswith(container) or not found["State"]["Running"]:
        return ""
    return f"{found['Id']} {found['State']['StartedAt']}"


def _is_stale(api: docker.APIClient, marks: Mapping[str, str], homes: dict[str, bool]) -> bool:
    """`homes` remembers which of the workers' containers still run."""
    home = marks.get(_HOME)
    if home and home not in homes:
        homes[home] = _home(api, home.partition(" ")[0]) == home
    if home and not homes[home]:
        return True
    return marks.get(_HOST) == socket.gethostname() and owner.is_stale(marks[CELL])

"""Open the data source given by --data."""

from __future__ import annotations

from pathlib import Path

from ..errors import UserError
from ..io.hub import HUB_PREFIX
from .hub import HubSource
from .local import LocalSource
from .mini import MiniSource
from .shapes import Source


def open_source(name: str, option: str = "data", *, own: bool = False) -> Source:
    """Return the hub ("hub"), the built-in set ("mini"), or the official layouts below a directory.

    Args:
        name: The user's value.
        option: The option's name, for the message.
        own: Whether the name may also be a user's file, or a dataset "hub:ORG/NAME", which have no benchmarks.

    Raises:
        UserError: The directory does not exist.
    """
    if name == "hub":
        return HubSource()
    if name == "mini":
        return MiniSource()
    root = Path(name).expanduser()
    if own and (root.is_file() or name.startswith(HUB_PREFIX)):
        return LocalSource(root)
    if not root.is_dir():
        raise UserError(f"{option} {name}: no such directory; expected a directory, hub or mini")
    return LocalSource(root)

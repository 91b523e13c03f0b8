"""Files that hold a key: whole or not there at all, and readable by their owner alone."""

import os
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Write the file with mode 600. A kill leaves the old file or the new one, never half of one."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)

"""Disks that are small or read-only, files that may not be changed. Each skips with the reason where that cannot be."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.sandbox import wait_until


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """Let the folder be a disk of this size, such as `3m`, in memory."""
    _run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
    try:
        yield
    finally:
        _unmount(folder)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Let nobody write below the folder, which nobody may have open for writing, root included."""
    _run("mount", "--bind", str(folder), str(folder))
    try:
        _run("mount", "-o", "remount,bind,ro", str(folder))
        yield
    finally:
        _unmount(folder)


@contextmanager
def unchangeable(*files: Path) -> Iterator[None]:
    """Let nobody change these files, not even who has them open."""
    _run("chattr", "+i", *map(str, files))
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", *map(str, files)], check=True, capture_output=True)


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """Let the disk that the folder is on have no byte left; it must be a small one."""
    ballast = folder / "ballast"
    descriptor = os.open(ballast, os.O_WRONLY | os.O_CREAT)
    try:
        size = 1 << 20
        while size:
            try:
                os.write(descriptor, b"\0" * size)
            except OSError:
                size //= 2
        yield
    finally:
        os.close(descriptor)
        ballast.unlink()


def _run(*command: str) -> None:
    program = shutil.which(command[0])
    if os.geteuid() != 0 or program is None:
        pytest.skip(f"{command[0]} needs root, and the program")
    done = subprocess.run([program, *command[1:]], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"{' '.join(command[:3])} does not work here: {done.stderr.strip()}")


def _unmount(folder: Path) -> None:
    # What was killed a moment ago may hold the folder still; and so does, for longer, the host of a test that failed.
    try:
        wait_until(
            lambda: subprocess.run(["umount", str(folder)], capture_output=True, check=False).returncode == 0, within=10
        )
    except AssertionError:
        subprocess.run(["umount", "--lazy", str(folder)], capture_output=True, check=True)

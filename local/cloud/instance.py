"""One deployed version as a living process: started, asked, started again when it dies, and drained at the end."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

from local.cloud.keep_alive import Answer, KeepAliveClient, encode_request
from local.cloud.state import Deployment

_ROOT = Path(__file__).resolve().parents[2]
_START_SECONDS = 20.0
_ANSWER_SECONDS = 60.0
_DRAIN_SECONDS = 15.0
_STOP_SECONDS = 3.0
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 5.0


Settings = tuple[tuple[str, str], ...]


class StartError(Exception):
    """The process did not come up; the message says why."""


class DownError(Exception):
    """The process cannot answer just now: it died, and is being started again."""


class Instance:
    """A shop process that is kept alive until `stop`. The same seed fails the same checkouts."""

    def __init__(
        self, deployment: Deployment, *, seed: int, settings: Settings = (), must_be_well: bool = True
    ) -> None:
        """`settings` reach the process as environment variables, as App Service's do.

        With `must_be_well` it has started once its health page answers 200, else once that answers at all.
        """
        self.deployment = deployment
        self.settings = settings
        self._must_be_well = must_be_well
        self._seed = seed
        self._process: Process | None = None
        self._client: KeepAliveClient | None = None
        self._in_flight = 0
        self._keeper: asyncio.Task[None] | None = None

    @property
    def process_id(self) -> int | None:
        """The running process, or None while there is none."""
        return self._process.pid if self._process is not None and self._client is not None else None

    async def start(self) -> None:
        """Start the process and return once its health page answers 200. Raises `StartError`."""
        await self._launch()
        self._keeper = asyncio.create_task(self._keep_alive())

    async def exchange(self, request: bytes, *, bodiless: bool = False) -> Answer:
        """Let the process answer the bytes of a request.

        Raises `DownError` when no process is up, `OSError` when it broke off or took over a minute.
        """
        if self._client is None:
            raise DownError(f"version {self.deployment.version} is being started again")
        self._in_flight += 1
        try:
            return await self._client.exchange(request, bodiless=bodiless)
        finally:
            self._in_flight -= 1

    async def stop(self, *, drain: bool = False) -> None:
        """End the process; with `drain`, only after the requests that it is answering (at most 15 s)."""
        if drain:
            await self._wait_until_idle()
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        await self._end_process()

    async def _launch(self) -> None:
        command = [sys.executable, "-m", "local.shop", "--lifeline", f"--version={self.deployment.version}"]
        command += ["--error-rate", str(self.deployment.error_rate)]
        command += ["--latency-ms", str(self.deployment.latency_ms), "--seed", str(self._seed)]
        environment = {**os.environ, **{f"APPSETTING_{name}": value for name, value in self.settings}}
        # A session of its own: a Ctrl-C at the terminal must reach the sandbox alone, which then stops its children.
        self._process = await asyncio.create_subprocess_exec(
            *command, cwd=_ROOT, env=environment, stdin=PIPE, stdout=PIPE, start_new_session=True
        )
        try:
            async with asyncio.timeout(_START_SECONDS):
                client = KeepAliveClient(await self._read_port(self._process), timeout=_ANSWER_SECONDS)
                health = await client.exchange(encode_request("GET", "/healthz", [("Host", "127.0.0.1")]))
        except (TimeoutError, OSError, ValueError) as error:
            await self._end_process()
            raise StartError(f"version {self.deployment.version} did not start: {error}") from error
        if health.status != 200 and self._must_be_well:
            await self._end_process()
            raise StartError(f"version {self.deployment.version} answered {health.status} to its health check")
        self._client = client

    @staticmethod
    async def _read_port(process: Process) -> int:
        assert process.stdout is not None
        line = await process.stdout.readline()
        if not line.startswith(b"ready "):
            raise ValueError(f"the process ended or said {line!r}")
        return int(json.loads(line.removeprefix(b"ready "))["port"])

    async def _keep_alive(self) -> None:
        while True:
            assert self._process is not None
            await self._process.wait()
            self._disconnect()
            await self._launch_again()

    async def _launch_again(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            await asyncio.sleep(pause)
            try:
                return await self._launch()
            except StartError as error:
                print(f"sandbox: {error}", file=sys.stderr, flush=True)
                pause = min(pause * 2, _LONGEST_PAUSE)

    async def _wait_until_idle(self) -> None:
        deadline = asyncio.get_running_loop().time() + _DRAIN_SECONDS
        while self._in_flight and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.02)

    async def _end_process(self) -> None:
        self._disconnect()
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    def _disconnect(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

"""Everything of the remote room, put together for the composition root."""

from __future__ import annotations

from bullpen_api.v1 import system_pb2

from bullpend.clock import Clock
from bullpend.db import Database
from bullpend.errors import SettingInvalid
from bullpend.failpoints import POINTS, Failpoints
from bullpend.postprocess.following import RunLongTask
from bullpend.remote import diagnosis, engine
from bullpend.remote.accounts import Accounts, Vault
from bullpend.remote.answers import Answers
from bullpend.remote.catalogue import Catalogue
from bullpend.remote.consent import Consents
from bullpend.remote.cutouts import PaidCutouts, RunTask
from bullpend.remote.engine import Heard, RemoteEngine
from bullpend.remote.exchange import Limits
from bullpend.remote.listing import Listing
from bullpend.remote.paying import Paying
from bullpend.remote.service import RemoteService
from bullpend.settings import Settings
from bullpend.workers.supervisor import Supervisor


class Remote:
    """Models at providers: what there is, what it costs, and the devices that ask for it."""

    def __init__(self, database: Database, vault: Vault, settings: Settings, clock: Clock) -> None:
        """Raises SettingInvalid for an unknown failpoint."""
        try:
            armed = Failpoints(settings.testing.failpoint)
        except ValueError as error:
            raise SettingInvalid(
                f"There is no failpoint {settings.testing.failpoint!r}.",
                field="testing.failpoint",
                remedy=f"Give one of {', '.join(POINTS)}.",
            ) from error
        self._database = database
        self._clock = clock
        self.catalogue = Catalogue((settings.folder, settings.home.root))
        self.devices = engine.devices(settings.remote.concurrency)
        self.accounts = Accounts(database, vault)
        self.listing = Listing(self.catalogue, self.accounts)
        self.consents = Consents(database, self.catalogue, self.accounts)
        limits = Limits(
            answer_seconds=settings.remote.answer_seconds,
            whole_seconds=settings.remote.answer_seconds + 60.0,
            allow_private=settings.remote.allow_private_addresses,
        )
        self.paying = Paying(
            database,
            self.accounts,
            self.catalogue,
            Answers(settings.home.root / "remote"),
            clock,
            limits,
            settings.remote.patience_seconds,
            armed,
        )
        self._scratch = settings.home.tmp
        self._engine: RemoteEngine | None = None

    def cutouts(self, run_task: RunTask, run_long: RunLongTask) -> PaidCutouts:
        """Cutouts by providers; what else is to be done to the pictures is done by `run_long`."""
        return PaidCutouts(self.consents, self.paying, run_task, run_long, self._scratch)

    async def diagnose(self) -> system_pb2.Check:
        """What `bullpen doctor` says of paid requests."""
        return await diagnosis.check(self._database, self.catalogue, self._clock.now())

    @property
    def servicers(self) -> list[object]:
        """Its services."""
        return [RemoteService(self._database)]

    async def start(self, supervisor: Supervisor, heard: Heard) -> None:
        """Makes of what the last daemon left what is known of it, and takes the devices' frames from now on."""
        await self.paying.recover()
        self._engine = RemoteEngine(self._database, self.paying, supervisor.run_task, heard, self._clock)
        for device in self.devices:
            supervisor.host(device.name, self._engine)

    async def close(self, seconds: float) -> None:
        """Ends the jobs, and waits so long for answers that are paid for."""
        if self._engine is not None:
            await self._engine.close()
        await self.paying.close(seconds)

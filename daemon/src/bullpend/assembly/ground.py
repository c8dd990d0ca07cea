"""What every room stands on: the store, the secrets, the models, and what this machine has."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack
from dataclasses import dataclass

from bullpend.assets.files import Files
from bullpend.audit import calls
from bullpend.clock import Clock, SystemClock
from bullpend.db import Database
from bullpend.events.bus import Bus
from bullpend.home import Home
from bullpend.models.registry import Registry
from bullpend.remote.whole import Remote
from bullpend.runs.manifests import Manifests
from bullpend.scheduling.model import Use
from bullpend.settings import Settings
from bullpend.vault.keys import Keys
from bullpend.vault.vault import Vault
from bullpend.workers import language
from bullpend.workers.model import DeviceInfo
from bullpend.workers.probe import choose, others, probe


@dataclass(frozen=True, slots=True)
class Machine:
    """Devices: those that draw, those that only jobs bound to them may take, those that only talk."""

    chosen: tuple[DeviceInfo, ...]
    kept: tuple[DeviceInfo, ...]
    talking: tuple[DeviceInfo, ...]

    @property
    def all(self) -> tuple[DeviceInfo, ...]:
        """All that have a worker here."""
        return (*self.chosen, *self.kept, *self.talking)

    @property
    def uses(self) -> dict[str, Use]:
        """What each device that draws is used for at the start."""
        return {device.name: Use.ALL for device in self.chosen} | {device.name: Use.BOUND for device in self.kept}


@dataclass(frozen=True, slots=True)
class Ground:
    """Made once, before anything works."""

    settings: Settings
    clock: Clock
    bus: Bus
    database: Database
    vault: Vault
    manifests: Manifests
    machine: Machine
    remote: Remote
    registry: Registry
    files: Files

    @property
    def home(self) -> Home:
        """The folder of this daemon."""
        return self.settings.home


async def lay(settings: Settings, stack: AsyncExitStack) -> Ground:
    """Opens the database, migrating it, and looks what there is. `stack` closes it again.

    Raises SchemaTooNew, DatabaseUnavailable, DiskFull, SettingInvalid or DeviceUnavailable.
    """
    home, clock, bus = settings.home, SystemClock(), Bus()
    manifests = Manifests(settings.manifest_file, home.projects)
    database = Database.open(home.database, clock, bus.committed, calls.witness)
    stack.callback(database.close)
    bus.revision = await database.read(lambda view: view.revision())
    vault = Vault(database, Keys(home.vault_key, os.environ))
    machine = look(settings)
    remote = Remote(database, vault, settings, clock)
    registry = Registry(
        settings.model_folders(),
        roots=settings.input_roots(),
        scripted=settings.testing.scripted,
        remote=remote.catalogue,
    )
    return Ground(settings, clock, bus, database, vault, manifests, machine, remote, registry, Files(home.projects))


def look(settings: Settings) -> Machine:
    """The devices of this machine as the settings want them. Raises DeviceUnavailable."""
    present = probe()
    chosen = choose(present, settings.wanted_devices)
    kept = others(present, chosen)
    talking = language.find([*chosen, *kept], settings.tree.copilot.gpu_layers)
    return Machine(chosen, kept, () if talking is None else (talking,))

"""The services of the fake daemon, room by room."""

from __future__ import annotations

from tests.support.fake_services.exports import Exports
from tests.support.fake_services.machine import Devices, Events, Models, System
from tests.support.fake_services.pictures import Assets, Lab
from tests.support.fake_services.runs import Runs
from tests.support.fake_services.universe import Bible, Projects

__all__ = ["Assets", "Bible", "Devices", "Events", "Exports", "Lab", "Models", "Projects", "Runs", "System"]

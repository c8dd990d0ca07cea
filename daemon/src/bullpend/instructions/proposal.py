"""What is proposed, before anybody looked at what it would do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Proposal:
    """What is proposed. `inputs` is the method's request as JSON; for the external agent it is the agent's to read.

    `type` is taken from the method where there is one.
    """

    project: str
    method: str
    inputs: Mapping[str, Any]
    objective: str = ""
    constraints: Mapping[str, str] = field(default_factory=dict)
    requested_by: str = ""
    chat_session: str = ""
    confirmation_required: bool = True
    max_attempts: int = 0
    retry_of: str = ""
    for_agent: bool = False
    type: str = ""

"""What the copilot may read without asking: a closed list of calls of the contract that change nothing.

Nothing of secrets, of settings, of files of the machine, or of the daemon itself is among them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf.message import Message

from bullpend.errors import FieldInvalid
from bullpend.instructions import rules
from bullpend.rpc.inside import Calls

_BIBLE = ("Scene", "Character", "StyleGuide", "ReferenceSet", "PromptTemplate")
READABLE: Mapping[str, str] = {
    "bullpen.v1.ProjectService/GetProject": "The project with its figures.",
    **{f"bullpen.v1.BibleService/Get{kind}": f"One {kind}." for kind in _BIBLE},
    **{f"bullpen.v1.BibleService/List{kind}s": f"Every {kind} of the project." for kind in _BIBLE},
    "bullpen.v1.RunService/ListStages": "The stages of the pipeline.",
    "bullpen.v1.RunService/PlanRun": "What a run would do; starts nothing.",
    "bullpen.v1.RunService/GetRun": "One run.",
    "bullpen.v1.RunService/ListRuns": "The runs, newest first.",
    "bullpen.v1.RunService/GetJob": "One job with its candidates.",
    "bullpen.v1.RunService/ListJobs": "The jobs of a run with their candidates.",
    "bullpen.v1.QualityService/GetQualitySummary": "What was found in the pictures of a run.",
    "bullpen.v1.QualityService/ListFindingKinds": "What can be found in a picture.",
    "bullpen.v1.AssetService/GetAsset": "One asset.",
    "bullpen.v1.AssetService/ListAssets": "The assets.",
    "bullpen.v1.ExportService/GetExport": "One export.",
    "bullpen.v1.ExportService/ListExports": "The exports, newest first.",
    "bullpen.v1.ModelService/ListModels": "The installed models.",
    "bullpen.v1.ModelService/ListResidents": "The models in memory.",
    "bullpen.v1.DeviceService/ListDevices": "The devices.",
    "bullpen.v1.QueueService/GetQueue": "The queue.",
    "bullpen.v1.CostService/SummarizeCosts": "What the work has cost.",
    "bullpen.v1.LabService/ListColorProfiles": "The colour profiles.",
    "bullpen.v1.SystemService/GetMetrics": "Processor, memory and devices.",
    "bullpen.v1.InstructionService/ListInstructions": "What was proposed, and what became of it.",
    "bullpen.v1.InstructionService/GetInstruction": "One instruction.",
}


class Reading:
    """Reads for the copilot of one project."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def methods(self) -> dict[str, str]:
        """What can be read here, with words for it."""
        return {method: words for method, words in READABLE.items() if method in self._calls}

    async def read(self, project: str, method: str, inputs: Mapping[str, Any]) -> Message:
        """The answer of a call. Raises FieldInvalid for another method or another project, and what the call raises."""
        if method not in READABLE or method not in self._calls:
            raise FieldInvalid(f"`method` is {method[:100]!r}, which the copilot cannot read.", field="method")
        request = rules.request_of(self._calls.request_of(method), inputs, project)
        return await self._calls.call(method, request)

"""The closed list of the daemon's settings: name, type, bounds, default and description of each, by group.

`settings.py` reads them; docs/settings.md is made from them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

_DEVICE = r"(cpu|mps|(scripted|cuda)(:\d{1,2})?)"


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PathSettings(_Group):
    """Folders. `~`, `{home}` (the daemon's), `{checkout}` and `{tmp}` are replaced; what does not apply is left out."""

    model_folders: list[str] = Field(
        default=["{home}/models", "{checkout}/models", "{huggingface}"],
        description="Folders that are searched for models, besides the embedded ones.",
    )
    input_roots: list[str] = Field(
        default=["~", "{home}", "{tmp}", "{checkout}", "/mnt", "/media"],
        description="Folders inside which pictures and models may be named by their path.",
    )
    style_roots: list[str] = Field(
        default=[],
        description="Folders that style anchors may come from, in place of the manifest's; empty keeps the manifest's.",
    )


class PictureSettings(_Group):
    """Limits of pictures that are taken in."""

    max_megapixels: Annotated[float, Field(gt=0, le=1000)] = Field(
        default=64.0, description="Millions of pixels that a picture may decode to; larger ones are refused unopened."
    )


class DeviceSettings(_Group):
    """What computes."""

    use: Annotated[str, Field(pattern=rf"^(auto|{_DEVICE}(,{_DEVICE})*)$")] = Field(
        default="auto",
        description="Devices that are used, parted by commas: cuda, cuda:1, mps, cpu, scripted; auto takes all cuda "
        "devices, else mps, else the processor.",
    )
    threads: Annotated[int, Field(ge=0, le=1024)] = Field(
        default=0, description="Threads of a worker on the processor; 0 means one per core."
    )
    memory_limit_mb: Annotated[int, Field(ge=0, le=100_000_000)] = Field(
        default=0,
        description="Megabytes of a device's memory that models and their work may take; 0 means all that is free.",
    )


class SchedulerSettings(_Group):
    """How work is handed out."""

    max_attempts: Annotated[int, Field(ge=1, le=100)] = Field(
        default=3, description="How often a job is tried when its worker dies before it is held."
    )
    keep_alive_seconds: Annotated[float, Field(ge=0, le=86_400)] = Field(
        default=300.0, description="How long an unused model stays in memory."
    )
    queue_limit: Annotated[int, Field(ge=1, le=10_000_000)] = Field(
        default=10_000, description="Jobs that may wait; a run that would exceed it is refused."
    )
    start_policy: Literal["run", "paused", "as-it-was"] = Field(
        default="as-it-was", description="What becomes of the queue when the daemon starts: run, paused, or as-it-was."
    )
    stage_lead: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        default=100, description="Jobs of an earlier stage, accepted later, that may go before one of the next stage."
    )
    batch_limit: Annotated[int, Field(ge=1, le=8)] = Field(
        default=1,
        description="Candidates of a job that may be computed together where that is measured to be faster; their last "
        "bits then differ from those of pictures made alone.",
    )


class WorkerSettings(_Group):
    """How worker processes are watched."""

    heartbeat_seconds: Annotated[float, Field(ge=0.05, le=60)] = Field(
        default=2.0, description="How often a worker says that it is alive."
    )
    hang_seconds: Annotated[float, Field(ge=0.2, le=3600)] = Field(
        default=30.0, description="After how long without a heartbeat a worker is killed and its job tried again."
    )


class PostSettings(_Group):
    """Encoding, storing and measuring."""

    workers: Annotated[int, Field(ge=1, le=64)] = Field(
        default=1, description="Processes that encode, store and measure pictures."
    )


class PreviewSettings(_Group):
    """Small pictures of unfinished candidates."""

    enabled: bool = Field(default=True, description="Whether workers send previews while they denoise.")


class InstructionSettings(_Group):
    """How confirmed instructions are carried out."""

    poll_seconds: Annotated[float, Field(ge=0.05, le=3600)] = Field(
        default=2.0, description="How often the daemon looks for due instructions when nothing wakes it."
    )
    lock_seconds: Annotated[float, Field(ge=1, le=86_400)] = Field(
        default=120.0, description="After how long without a sign of life an instruction is taken up by another worker."
    )
    max_attempts: Annotated[int, Field(ge=1, le=10)] = Field(
        default=3, description="How often an instruction is tried where it says nothing itself."
    )
    backoff_seconds: Annotated[float, Field(ge=0, le=3600)] = Field(
        default=10.0, description="Pause after the first failed attempt; after the second it is twice as long."
    )
    confirm_seconds: Annotated[float, Field(ge=1, le=86_400)] = Field(
        default=600.0, description="How long what was shown of an instruction can be confirmed."
    )


class AgentSettings(_Group):
    """The external agent that instructions may be handed over to."""

    url: Annotated[str, Field(pattern=r"^(https?://[^\s@?#]+)?$")] = Field(
        default="", description="Address of the external agent that instructions can be handed over to; empty: none."
    )
    secret: str = Field(
        default="", description="Name of the vault's secret that the agent is shown, and signs its answers with."
    )
    dispatch_seconds: Annotated[float, Field(ge=0.1, le=600)] = Field(
        default=20.0, description="How long the agent may take to answer a delivery."
    )
    transport_retries: Annotated[int, Field(ge=0, le=10)] = Field(
        default=2, description="How often a delivery is repeated whose answer did not come."
    )
    answer_seconds: Annotated[float, Field(ge=1, le=2_592_000)] = Field(
        default=3600.0, description="How long the agent may take to say what came of an instruction."
    )
    poll_seconds: Annotated[float, Field(ge=0.1, le=86_400)] = Field(
        default=30.0, description="How often the agent is asked how far it is."
    )
    callback_port: Annotated[int, Field(ge=0, le=65_535)] = Field(
        default=0, description="Port of 127.0.0.1 on which the agent's callbacks are taken; 0 takes none there."
    )
    callback_url: Annotated[str, Field(pattern=r"^(https?://[^\s@]+)?$")] = Field(
        default="", description="Address that the agent is told to call back at, where it is not that of callback_port."
    )
    allow_private_addresses: bool = Field(
        default=False, description="Whether the agent may be on this machine or in a private network."
    )


class SpendSettings(_Group):
    """The guard before anything that costs money."""

    confirm_seconds: Annotated[float, Field(ge=1, le=86_400)] = Field(
        default=900.0, description="How long a plan that costs money can be confirmed after it was shown."
    )


class RemoteSettings(_Group):
    """Calls to providers."""

    allow_private_addresses: bool = Field(
        default=False,
        description="Whether an account may lead to this machine or a private network, such as a server of one's own.",
    )
    concurrency: Annotated[int, Field(ge=1, le=32)] = Field(
        default=2, description="Jobs of remote models that are worked on at once."
    )
    answer_seconds: Annotated[float, Field(ge=0.1, le=3600)] = Field(
        default=240.0, description="How long a provider may be silent before the outcome of a call counts as unknown."
    )
    patience_seconds: Annotated[float, Field(ge=0, le=86_400)] = Field(
        default=120.0, description="How long a provider that says it is busy is waited for in all."
    )


class CopilotSettings(_Group):
    """The language model that the copilot may ask; without one the built-in grammar answers."""

    url: Annotated[str, Field(pattern=r"^(https?://[^\s@]+)?$")] = Field(
        default="",
        description="Address of an OpenAI-compatible server, such as http://127.0.0.1:11434/v1; empty means none.",
    )
    model: str = Field(default="", description="Name of the model that the server is asked for.")
    local_model: str = Field(
        default="",
        description="Installed language model (a GGUF file) that answers where a conversation names nothing else.",
    )
    gpu_layers: Annotated[int, Field(ge=-1, le=10_000)] = Field(
        default=-1,
        description="Layers of a language model of this machine on a GPU; -1: as many as fit, 0: the processor only.",
    )
    context_tokens: Annotated[int, Field(ge=0, le=4_000_000)] = Field(
        default=0,
        description="Tokens that a language model of this machine looks back on; 0: as trained, 8192 at the most.",
    )
    secret: str = Field(
        default="", description="Name of the vault's secret that holds the server's key; empty sends none."
    )
    silence_seconds: Annotated[float, Field(ge=0.1, le=3600)] = Field(
        default=60.0, description="After how long without a word an answer of the server is given up."
    )
    context_characters: Annotated[int, Field(ge=1000, le=4_000_000)] = Field(
        default=24_000, description="Characters of a conversation that are sent as they are; older ones are summed up."
    )


class TestingSettings(_Group):
    """Only for tests of the daemon."""

    scripted: bool = Field(
        default=False,
        description="Adds the model and the device `scripted`, which follow a script and make no pictures.",
    )
    price: Annotated[str, Field(pattern=r"^([0-9]{1,6}(\.[0-9]{1,6})? [A-Z]{3})?$")] = Field(
        default="", description="What a candidate of the model `scripted` is said to cost, such as 0.04 USD."
    )
    failpoint: str = Field(
        default="", description="Place at which the daemon kills itself, as listed in bullpend/failpoints.py."
    )


class MetricsSettings(_Group):
    """Where metrics are handed out besides the socket of the daemon."""

    file: str = Field(
        default="", description="File that metrics are written to for Prometheus; empty writes none. `~` is replaced."
    )
    socket: str = Field(
        default="", description="Unix socket on which GET /metrics is answered for Prometheus; empty makes none."
    )
    seconds: Annotated[float, Field(ge=0.1, le=3600)] = Field(
        default=15.0, description="How often the file of metrics is written."
    )


class LogSettings(_Group):
    """What is logged."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe message that is logged."
    )


class StudioSettings(_Group):
    """The terminal studio."""

    notify: Literal["off", "bell", "osc9", "osc777"] = Field(
        default="bell",
        description="What a terminal gets when a run ends while the studio is open: nothing, its bell, or the bell "
        "and a notice by the sequence OSC 9 (iTerm2, WezTerm, Windows Terminal) or OSC 777 (foot, urxvt, VTE).",
    )


class Tree(_Group):
    """All settings by group."""

    paths: PathSettings = PathSettings()
    pictures: PictureSettings = PictureSettings()
    devices: DeviceSettings = DeviceSettings()
    scheduler: SchedulerSettings = SchedulerSettings()
    worker: WorkerSettings = WorkerSettings()
    post: PostSettings = PostSettings()
    previews: PreviewSettings = PreviewSettings()
    instructions: InstructionSettings = InstructionSettings()
    agent: AgentSettings = AgentSettings()
    copilot: CopilotSettings = CopilotSettings()
    spend: SpendSettings = SpendSettings()
    remote: RemoteSettings = RemoteSettings()
    testing: TestingSettings = TestingSettings()
    metrics: MetricsSettings = MetricsSettings()
    log: LogSettings = LogSettings()
    studio: StudioSettings = StudioSettings()


def known() -> Iterator[tuple[str, str, Any]]:
    """Name, description and default of every setting, in order."""
    defaults = Tree()
    for group, field in Tree.model_fields.items():
        model = field.annotation
        assert isinstance(model, type)
        assert issubclass(model, BaseModel)
        for key, info in model.model_fields.items():
            yield f"{group}.{key}", info.description or "", getattr(getattr(defaults, group), key)

"""What was decided and spent in the small story, a conversation, and single pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from bullpen_api.v1 import copilot_pb2, cost_pb2, instruction_pb2, lab_pb2, postprocess_pb2, queue_pb2
from google.protobuf import duration_pb2

from tests.tui import story

CHAT = f"{story.PROJECT}/chatSessions/c-1"
DRAFT = f"{story.PROJECT}/instructions/i-1"
FAILED = f"{story.PROJECT}/instructions/i-2"

State = instruction_pb2.Instruction


def queue(paused: bool) -> queue_pb2.Queue:
    return queue_pb2.Queue(
        paused=paused,
        waiting_jobs=3,
        running_jobs=1,
        time_left=duration_pb2.Duration(seconds=95),
        runs=[
            queue_pb2.QueuedRun(
                run=story.TIME_RUN, position=1, waiting_jobs=3, time_to_end=duration_pb2.Duration(seconds=95)
            )
        ],
    )


def costs(dimension: int) -> cost_pb2.CostSummary:
    field = {1: "project", 2: "run", 3: "stage", 4: "provider", 5: "model", 6: "day"}[dimension]
    local = cost_pb2.CostTotal(events=12, device_seconds=31.5, estimated_device_seconds=30, compared_device_seconds=33)
    setattr(local, field, {"run": story.TIME_RUN, "stage": "time", "model": "models/starter-edit"}.get(field, "local"))
    paid = cost_pb2.CostTotal(events=3)
    paid.money.add(currency_code="USD", charged_micros=1_800_000, unknown_micros=150_000, unknown_events=1)
    setattr(paid, field, {"provider": "openai", "model": "models/openai:gpt-image-1"}.get(field, ""))
    whole = cost_pb2.CostTotal(events=15, device_seconds=31.5, estimated_device_seconds=30, compared_device_seconds=33)
    whole.money.extend(paid.money)
    return cost_pb2.CostSummary(totals=[local, paid], total=whole)


def spend_limits() -> cost_pb2.SpendLimits:
    limits = cost_pb2.SpendLimits(name=f"{story.PROJECT}/spendLimits")
    limits.total_cap.currency_code, limits.total_cap.micros = "USD", 10_000_000
    limits.spent.add(currency_code="USD", charged_micros=1_800_000, unknown_micros=150_000)
    return limits


def instructions() -> list[instruction_pb2.Instruction]:
    draft = State(
        name=DRAFT,
        type=State.TYPE_PIPELINE_RUN,
        state=State.STATE_DRAFT,
        objective="Lock the style of all scenes.",
        method="bullpen.v1.RunService/CreateRun",
        confirmation_required=True,
        requested_by="copilot",
        chat_session=CHAT,
        digest="digest-1",
        expire_time=story.at(-598),
        create_time=story.at(2),
        revision=22,
    )
    draft.preview.summary = "Run style over 6 scenes, 3 candidates each"
    draft.preview.facts.add(label="scenes", value="6")
    draft.preview.facts.add(label="candidates", value="3")
    draft.preview.estimated_duration.seconds = 240
    failed = State(
        name=FAILED,
        type=State.TYPE_ASSET_EDIT,
        state=State.STATE_FAILED,
        objective="Cut Mara out.",
        requested_by="ada",
        attempt=3,
        failures=3,
        create_time=story.at(4000),
        end_time=story.at(3900),
        revision=12,
    )
    failed.preview.summary = "Cut out 1 picture"
    failed.error.reason = "MODEL_NOT_FOUND"
    failed.error.message = "There is no model for cutouts."
    failed.error.remedy = "Install one."
    return [draft, failed]


def chat_sessions() -> list[copilot_pb2.ChatSession]:
    return [
        copilot_pb2.ChatSession(
            name=CHAT,
            title="Scene planning",
            messages=2,
            update_time=story.at(30),
            create_time=story.at(90),
            revision=20,
        )
    ]


def person(session: str, text: str) -> copilot_pb2.ChatMessage:
    said = copilot_pb2.ChatMessage(
        name=f"{session}/messages/m-8",
        role=copilot_pb2.ChatMessage.ROLE_PERSON,
        state=copilot_pb2.ChatMessage.STATE_COMPLETE,
        create_time=story.at(1),
        revision=50,
    )
    said.parts.add(text=text)
    return said


def chat_messages() -> list[copilot_pb2.ChatMessage]:
    asked = person(CHAT, "Run a style lock pass on all scenes")
    asked.name, asked.revision = f"{CHAT}/messages/m-1", 18
    asked.create_time.CopyFrom(story.at(60))
    answered = copilot_pb2.ChatMessage(
        name=f"{CHAT}/messages/m-2",
        role=copilot_pb2.ChatMessage.ROLE_COPILOT,
        state=copilot_pb2.ChatMessage.STATE_COMPLETE,
        engine="chatEngines/grammar",
        create_time=story.at(59),
        revision=19,
    )
    answered.parts.add(text="I propose a run over 6 scenes.")
    card = answered.parts.add().card
    card.instruction = DRAFT
    card.current.CopyFrom(instructions()[0])
    return [asked, answered]


def answer() -> list[copilot_pb2.SendChatMessageResponse]:
    name = f"{CHAT}/messages/m-9"
    begun = copilot_pb2.ChatMessage(
        name=name,
        role=copilot_pb2.ChatMessage.ROLE_COPILOT,
        state=copilot_pb2.ChatMessage.STATE_WRITING,
        create_time=story.at(0),
        revision=51,
    )
    whole = copilot_pb2.ChatMessage()
    whole.CopyFrom(begun)
    whole.state, whole.revision = copilot_pb2.ChatMessage.STATE_COMPLETE, 52
    whole.parts.add(text="Six of six are locked.")
    return [
        copilot_pb2.SendChatMessageResponse(status=copilot_pb2.ChatStatus(text="looking at the runs")),
        copilot_pb2.SendChatMessageResponse(message=begun),
        copilot_pb2.SendChatMessageResponse(delta=copilot_pb2.ChatDelta(message=name, part=0, text="Six of ")),
        copilot_pb2.SendChatMessageResponse(delta=copilot_pb2.ChatDelta(message=name, part=0, text="six")),
        copilot_pb2.SendChatMessageResponse(message=whole),
    ]


def chat_engines() -> copilot_pb2.ListChatEnginesResponse:
    return copilot_pb2.ListChatEnginesResponse(
        chat_engines=[
            copilot_pb2.ChatEngine(
                name="chatEngines/grammar",
                title="Built-in grammar",
                available=True,
                detail="It is no language model.",
                is_default=True,
            ),
            copilot_pb2.ChatEngine(
                name="chatEngines/tiny.gguf",
                title="tiny",
                model="models/tiny.gguf",
                language_model=True,
                available=True,
                detail="llama, Q4_K, 4.0 billion weights; runs here, by llama.cpp",
                size_bytes=2_500_000_000,
                loaded_on="devices/gpu0",
            ),
            copilot_pb2.ChatEngine(
                name="chatEngines/remote",
                title="OpenAI-compatible server",
                language_model=True,
                detail="The settings name no server.",
                remedy="Name one in daemon.toml.",
            ),
        ]
    )


def generated(request: lab_pb2.GenerateRequest) -> Iterator[lab_pb2.GenerateResponse]:
    content = story.png(5)
    yield lab_pb2.GenerateResponse(started=lab_pb2.GenerateStarted(model="models/starter-text", seeds=[7]))
    yield lab_pb2.GenerateResponse(
        progress=lab_pb2.GenerateProgress(picture=1, step=3, steps=4, phase="denoising", preview=story.preview(5, 0.7))
    )
    yield lab_pb2.GenerateResponse(
        picture=lab_pb2.GeneratedPicture(
            picture=1, seed=7, width=128, height=128, sha256=hashlib.sha256(content).hexdigest(), device_seconds=1.5
        )
    )
    yield lab_pb2.GenerateResponse(chunk=content[:100])
    yield lab_pb2.GenerateResponse(chunk=content[100:])


def processed(head: postprocess_pb2.ProcessPictureHead) -> Iterator[postprocess_pb2.ProcessPictureResponse]:
    content = story.png(9)
    started = postprocess_pb2.ProcessPictureStarted(post_process=head.post_process)
    yield postprocess_pb2.ProcessPictureResponse(started=started)
    yield postprocess_pb2.ProcessPictureResponse(
        progress=postprocess_pb2.ProcessPictureProgress(step="cutout", share=0.5)
    )
    yield postprocess_pb2.ProcessPictureResponse(
        picture=postprocess_pb2.ProcessedPicture(
            width=128, height=128, has_alpha=True, sha256=hashlib.sha256(content).hexdigest(), seconds={"cutout": 0.4}
        )
    )
    yield postprocess_pb2.ProcessPictureResponse(chunk=content)


def processed_assets(project: str, assets: Sequence[str]) -> Iterator[postprocess_pb2.ProcessAssetsResponse]:
    sources = list(assets) or [f"{project}/assets/r-0001-style-1-1"]
    yield postprocess_pb2.ProcessAssetsResponse(started=postprocess_pb2.ProcessAssetsStarted(assets=sources))
    for source in sources:
        made = postprocess_pb2.AssetMade(source=source, step="color", last=True)
        made.asset.name, made.asset.revision = f"{source}-post", 40
        yield postprocess_pb2.ProcessAssetsResponse(made=made)

"""LabService: single pictures on the devices' own queue, streamed to the one who asked and then forgotten."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bullpen_api.v1 import lab_pb2, lab_pb2_grpc
from bullpen_api.worker.v1 import link_pb2

from bullpend.clock import new_id
from bullpend.dispatch.dispatcher import Dispatcher
from bullpend.dispatch.singles import Single
from bullpend.errors import BullpenError, ModelCorrupt, from_failure
from bullpend.lab import rules
from bullpend.models.keeping import keep_alive
from bullpend.models.model import Model
from bullpend.models.registry import Registry
from bullpend.remote.consent import Consents
from bullpend.rpc.wire import duration
from bullpend.runs.model import Failure
from bullpend.runs.plan import DeviceFacts
from bullpend.runs.recipe import parameters_text, to_json
from bullpend.runs.wire import pack_sampling, read_loras, read_sampling

CHUNK = 256 * 1024
RunTask = Callable[[link_pb2.Task], Awaitable[link_pb2.TaskDone]]


class LabService(lab_pb2_grpc.LabServiceServicer):
    """Single things without a project."""

    def __init__(
        self,
        registry: Registry,
        dispatcher: Dispatcher,
        run_task: RunTask,
        devices: Sequence[DeviceFacts],
        most: int,
        scratch: Path,
        consents: Consents,
    ) -> None:
        """`most` is how many pictures one call may ask for; `scratch` holds what is on its way to the client."""
        self._consents = consents
        self._registry = registry
        self._dispatcher = dispatcher
        self._run_task = run_task
        self._devices = tuple(devices)
        self._kinds: Mapping[str, str] = {device.name: device.kind for device in devices}
        self._most = most
        self._scratch = scratch

    def close(self) -> None:
        """Ends every call: the daemon is about to stop, and nothing of the lab would be taken up again."""
        self._dispatcher.singles.close(
            Failure("SHUTTING_DOWN", "The daemon is shutting down.", "Ask again when it is back; nothing was kept.")
        )

    async def Generate(  # noqa: N802
        self, request: lab_pb2.GenerateRequest, context: Any
    ) -> AsyncIterator[lab_pb2.GenerateResponse]:
        """Pictures from a text."""
        seconds = keep_alive(request)
        sitting, cost = await self._agreed(await self._sitting(_read(request)), request.confirm_spend)
        sampling = sitting.sampling
        order = link_pb2.RunJob(
            prompt=sitting.prompt,
            negative_prompt=sitting.negative_prompt,
            steps=sampling.steps,
            guidance_scale=sampling.guidance_scale,
            image_guidance_scale=sampling.image_guidance_scale,
            width=sampling.width,
            height=sampling.height,
        )
        single = self._dispatcher.single(sitting.model, sitting.loras, order, sitting.seeds, seconds)
        # A client that leaves while a message is on its way ends this generator late; the device need not wait for it.
        context.add_done_callback(lambda _: self._dispatcher.singles.leave(single))
        try:
            yield lab_pb2.GenerateResponse(
                started=lab_pb2.GenerateStarted(
                    model=sitting.model.name,
                    sampling=pack_sampling(sampling),
                    seeds=sitting.seeds,
                    position=self._dispatcher.position(single.job),
                    estimated_cost_usd=cost,
                )
            )
            while True:
                await single.changed.wait()
                single.changed.clear()
                if single.progress is not None:
                    yield lab_pb2.GenerateResponse(progress=_progress(single, single.progress))
                while single.made:
                    async for part in self._picture(sitting, single, single.made.popleft()):
                        yield part
                if single.failure is not None:
                    raise from_failure(single.failure.reason, single.failure.message, single.failure.remedy)
                if single.ended:
                    return
        finally:
            self._dispatcher.singles.leave(single)

    async def _agreed(self, sitting: rules.Sitting, confirmed: bool) -> tuple[rules.Sitting, float]:
        """The sitting with the account that pays for it, and what it is estimated to cost in US dollars."""
        if sitting.model.engine != "remote":
            return sitting, 0.0
        count, sampling = len(sitting.seeds), sitting.sampling
        consent = await self._consents.ask(
            sitting.model.name,
            count,
            confirmed,
            field="confirm_spend",
            model_field="model",
            size=(sampling.width, sampling.height),
        )
        return replace(sitting, model=replace(sitting.model, name=consent.model)), consent.cost_usd(count)

    async def _sitting(self, wish: rules.Wish) -> rules.Sitting:
        rules.check(wish, self._most)
        model = await asyncio.to_thread(self._model, wish.model)
        used = [await self._lora(use.model, index) for index, use in enumerate(wish.loras)]
        return rules.plan(wish, model, used, self._devices, self._most)

    def _model(self, name: str) -> Model:
        if name:
            return self._registry.verify(name)
        *others, last = rules.default_models(self._registry.scan())
        for other in others:
            with contextlib.suppress(ModelCorrupt):
                return self._registry.verify(other)
        return self._registry.verify(last)

    async def _lora(self, name: str, index: int) -> Model:
        try:
            return await asyncio.to_thread(self._registry.verify, name)
        except BullpenError as error:
            error.field = f"loras[{index}].model"
            raise

    async def _picture(
        self, sitting: rules.Sitting, single: Single, frame: link_pb2.CandidateReady
    ) -> AsyncIterator[lab_pb2.GenerateResponse]:
        number = single.number(frame.candidate)
        seed = single.seeds[number - 1]
        ready = single.ready
        kind = self._kinds.get(single.device, "")
        recipe = sitting.recipe(seed, ready.engine, kind, dict(sorted(ready.versions.items()))).to_dict()
        text = to_json(recipe)
        out = self._scratch / f"lab-{new_id()}.png"
        task = link_pb2.EncodePicture(
            raw_path=frame.raw_path,
            width=frame.width,
            height=frame.height,
            texts={"bullpen": text, "parameters": parameters_text(recipe)},
            out_path=str(out),
        )
        try:
            done = (await self._run_task(link_pb2.Task(encode_picture=task))).picture_encoded
            content = await asyncio.to_thread(out.read_bytes)
        finally:
            Path(frame.raw_path).unlink(missing_ok=True)
            out.unlink(missing_ok=True)
        yield lab_pb2.GenerateResponse(
            picture=lab_pb2.GeneratedPicture(
                picture=number,
                seed=seed,
                width=frame.width,
                height=frame.height,
                mime_type=done.mime_type,
                size_bytes=done.size_bytes,
                sha256=done.sha256,
                device_seconds=frame.device_seconds,
                recipe_json=text,
            )
        )
        for start in range(0, len(content), CHUNK):
            yield lab_pb2.GenerateResponse(chunk=content[start : start + CHUNK])


def _read(request: lab_pb2.GenerateRequest) -> rules.Wish:
    return rules.Wish(
        prompt=request.prompt,
        negative_prompt=request.negative_prompt,
        model=request.model,
        sampling=read_sampling(request.sampling),
        seed=request.seed if request.HasField("seed") else None,
        count=request.count,
        loras=read_loras(request.loras),
    )


def _progress(single: Single, step: link_pb2.StepDone) -> lab_pb2.GenerateProgress:
    """The latest step, with a preview that was not sent yet; takes both."""
    preview, single.progress, single.preview = single.preview, None, None
    return lab_pb2.GenerateProgress(
        # A model that is being loaded belongs to no picture yet.
        picture=single.number(step.candidate) if step.candidate else len(single.done) + 1,
        step=step.step,
        steps=step.steps,
        phase=step.phase,
        device=single.device,
        time_left=duration((step.steps - step.step) * step.seconds) if step.seconds else None,
        preview=preview.image if preview else b"",
        preview_mime_type=preview.mime_type if preview else "",
    )

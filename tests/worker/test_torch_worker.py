"""The torch engine behind the link, in a process of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bullpen_api.worker.v1 import link_pb2

from tests.support.tiny_pipeline import FAMILY, SIZE
from tests.worker.driver import OUTCOME, job, worker


async def test_an_edit_runs_through_a_worker_process(tiny_model: Path, picture: Path, tmp_path: Path) -> None:
    """Load, steps with previews, cancel, and the same job again with equal pixels and the model still there."""
    reference = link_pb2.ModelRef(name="models/tiny", family=FAMILY, path=str(tiny_model))
    device: dict[str, Any] = {"role": link_pb2.Configure.ROLE_DEVICE, "engine": "torch", "device": "cpu", "threads": 1}
    fields: dict[str, Any] = {
        "model": reference,
        "source_path": str(picture),
        "width": SIZE,
        "height": SIZE,
        "preview_every": 1,
    }
    async with worker(**device) as started:
        started.send(run_job=job(tmp_path, "make it night", seeds=(7,), **fields))
        first = await started.until("candidate_ready")
        assert (await started.until("job_ended")).outcome == OUTCOME.OUTCOME_SUCCEEDED
        phases = [frame.step_done.phase for frame in started.heard if frame.WhichOneof("body") == "step_done"]
        assert phases == ["loading", *["denoising"] * 5, "decoding"]
        previews = [frame.preview_ready for frame in started.heard if frame.WhichOneof("body") == "preview_ready"]
        assert previews
        assert previews[0].mime_type == "image/jpeg"

        started.send(run_job=job(tmp_path, "make it night", name="long", **(fields | {"steps": 900})))
        await started.until("step_done", job="long", step=1)
        started.send(cancel_job=link_pb2.CancelJob(job="long", attempt=1))
        assert (await started.until("job_ended", job="long")).outcome == OUTCOME.OUTCOME_CANCELED

        started.send(
            run_job=job(tmp_path, "make it night", name="again", seeds=(7,), **(fields | {"preview_every": 0}))
        )
        second = await started.until("candidate_ready", job="again")
        assert Path(first.raw_path).read_bytes() == Path(second.raw_path).read_bytes()
        assert sum(frame.WhichOneof("body") == "model_loaded" for frame in started.heard) == 1

"""Runs of the story with their jobs and candidates, one of them going; its assets, stages and plans."""

from __future__ import annotations

from bullpen_api.v1 import asset_pb2, lineage_pb2, run_pb2
from google.protobuf import duration_pb2

from tests.tui.story.world import FAILED_RUN, PROJECT, SCENES, STAGES, STYLE_RUN, TIME_RUN, at, scene_name

Job = run_pb2.Job
Candidate = run_pb2.Candidate


def candidate(job: str, number: int, state: Candidate.State.ValueType = Candidate.STATE_QUEUED) -> run_pb2.Candidate:
    return run_pb2.Candidate(name=f"{job}/candidates/c{number}", state=state, seed=41_200 + number, revision=20)


def finished(job: str, number: int, score: float, *, accepted: bool = False, rank: int = 2) -> run_pb2.Candidate:
    done = candidate(job, number, Candidate.STATE_SUCCEEDED)
    done.asset = f"{PROJECT}/assets/{job.split('/')[3]}-{job.rsplit('/', 1)[1]}-{number}"
    done.rank = rank
    why = "no hard failure, least chroma over the limit" if rank == 1 else "more chroma over the limit"
    done.rank_reason = f"Place {rank} of 3 by chroma: {why}."
    done.accepted = accepted
    done.accept_reason = "best of 3" if accepted else ""
    done.device_seconds = 1.9
    done.quality.measures["structure_f1"] = score
    done.quality.measures["chroma_mean"] = 0.08
    done.end_time.CopyFrom(at(40))
    return done


def refused(job: str, number: int) -> run_pb2.Candidate:
    bad = finished(job, number, 0.71, rank=3)
    bad.quality.hard_failures = 1
    bad.quality.findings.append(
        run_pb2.Finding(
            severity=run_pb2.Finding.SEVERITY_HARD,
            kind=run_pb2.Finding.KIND_CHROMA,
            message="chroma 0.21 over the limit of 0.12",
            value=0.21,
            limit=0.12,
        )
    )
    bad.rank_reason = "Place 3 of 3 by hard failures: one."
    return bad


def job(run: str, number: int, state: Job.State.ValueType, candidates: list[run_pb2.Candidate]) -> run_pb2.Job:
    return run_pb2.Job(
        name=f"{run}/jobs/{number}",
        state=state,
        scene=scene_name(number),
        source_asset=f"{PROJECT}/assets/source-{number}",
        prompt=f"change the time of day to dusk, {SCENES[number - 1].lower()} by the harbour, warm windows",
        attempt=1,
        device="devices/cpu" if state == Job.STATE_RUNNING else "",
        candidates=candidates,
        create_time=at(80),
        start_time=at(70),
        revision=20,
    )


def time_jobs() -> list[run_pb2.Job]:
    """Two jobs done, one going, three waiting; three candidates each."""
    jobs: list[run_pb2.Job] = []
    for number in range(1, 7):
        name = f"{TIME_RUN}/jobs/{number}"
        if number == 1:
            made = [finished(name, 1, 0.91, accepted=True, rank=1), finished(name, 2, 0.88), refused(name, 3)]
            jobs.append(job(TIME_RUN, number, Job.STATE_SUCCEEDED, made))
        elif number == 2:
            made = [finished(name, 1, 0.9), finished(name, 2, 0.93, accepted=True, rank=1), finished(name, 3, 0.86)]
            made[2].quality.soft_warnings = 1
            jobs.append(job(TIME_RUN, number, Job.STATE_SUCCEEDED, made))
        elif number == 3:
            made = [finished(name, 1, 0.89, rank=0), candidate(name, 2, Candidate.STATE_RUNNING), candidate(name, 3)]
            jobs.append(job(TIME_RUN, number, Job.STATE_RUNNING, made))
        else:
            waiting = job(TIME_RUN, number, Job.STATE_QUEUED, [candidate(name, n) for n in (1, 2, 3)])
            waiting.position = number - 3
            jobs.append(waiting)
    return jobs


def style_jobs() -> list[run_pb2.Job]:
    return [
        job(STYLE_RUN, n, Job.STATE_SUCCEEDED, [finished(f"{STYLE_RUN}/jobs/{n}", 1, 0.9, accepted=True, rank=1)])
        for n in range(1, 7)
    ]


def failed_jobs() -> list[run_pb2.Job]:
    made = finished(f"{FAILED_RUN}/jobs/1", 1, 0.87, accepted=True, rank=1)
    lost = job(FAILED_RUN, 2, Job.STATE_FAILED, [])
    lost.error.reason = "WORKER_LOST"
    lost.error.message = "The worker died during the job."
    lost.error.remedy = "Retry the run."
    return [job(FAILED_RUN, 1, Job.STATE_SUCCEEDED, [made]), lost]


def run(name: str, stage: str, state: run_pb2.Run.State.ValueType, jobs: list[run_pb2.Job]) -> run_pb2.Run:
    made = [one for job in jobs for one in job.candidates]
    done = [one for one in made if one.state == Candidate.STATE_SUCCEEDED]
    return run_pb2.Run(
        name=name,
        state=state,
        spec=run_pb2.RunSpec(stage=stage, candidates=3),
        model="models/starter-edit",
        sampling=run_pb2.SamplingParameters(steps=8, guidance_scale=7.5, width=128, height=128),
        seed=41_207,
        revision=21,
        figures=run_pb2.RunFigures(
            jobs=len(jobs),
            jobs_done=sum(job.state == Job.STATE_SUCCEEDED for job in jobs),
            jobs_failed=sum(job.state == Job.STATE_FAILED for job in jobs),
            candidates=len(made),
            candidates_done=len(done),
            accepted=sum(one.accepted for one in made),
            qa_pass_rate=0.86,
            device_seconds=2.0 * len(done),
        ),
    )


def runs() -> list[run_pb2.Run]:
    live = run(TIME_RUN, "time", run_pb2.Run.STATE_RUNNING, time_jobs())
    live.create_time.CopyFrom(at(80))
    live.start_time.CopyFrom(at(74))
    live.figures.time_left.CopyFrom(duration_pb2.Duration(seconds=72))
    style = run(STYLE_RUN, "style", run_pb2.Run.STATE_SUCCEEDED, style_jobs())
    style.create_time.CopyFrom(at(7300))
    style.start_time.CopyFrom(at(7290))
    style.end_time.CopyFrom(at(7260))
    style.log_path = "/home/ada/studio/projects/harbor_lights/runs/r-0001-style/run.json"
    failed = run(FAILED_RUN, "weather", run_pb2.Run.STATE_PARTIAL, failed_jobs())
    failed.create_time.CopyFrom(at(3700))
    failed.start_time.CopyFrom(at(3690))
    failed.end_time.CopyFrom(at(3600))
    return [live, failed, style]


def _verdict(one: run_pb2.Candidate, job_: run_pb2.Job) -> asset_pb2.Asset.Verdict.ValueType:
    if one.accepted:
        return asset_pb2.Asset.VERDICT_ACCEPTED
    taken = any(other.accepted for other in job_.candidates)
    return asset_pb2.Asset.VERDICT_REJECTED if taken else asset_pb2.Asset.VERDICT_UNSPECIFIED


def assets() -> list[asset_pb2.Asset]:
    found = []
    for number, title in enumerate(SCENES, 1):
        found.append(
            asset_pb2.Asset(
                name=f"{PROJECT}/assets/source-{number}",
                kind=asset_pb2.Asset.KIND_SOURCE,
                sha256=f"{number:02}" * 32,
                mime_type="image/png",
                size_bytes=21_400 + number,
                width=128,
                height=128,
                display_name=f"{title.lower().replace(' ', '-')}.png",
                origin="/home/ada/scenes",
                licence="CC0-1.0",
                path=f"/home/ada/studio/projects/harbor_lights/assets/{number:02}.png",
                create_time=at(9000 + number),
                revision=5,
            )
        )
    for job_ in time_jobs():
        for one in job_.candidates:
            if one.asset:
                found.append(
                    asset_pb2.Asset(
                        name=one.asset,
                        kind=asset_pb2.Asset.KIND_CANDIDATE,
                        sha256="ab" * 32,
                        size_bytes=30_100,
                        width=128,
                        height=128,
                        display_name=f"{SCENES[int(job_.name[-1]) - 1].lower()}-time-{one.name[-1]}.png",
                        origin=one.name,
                        create_time=at(60 - int(one.name[-1])),
                        derived_from=[job_.source_asset],
                        making=asset_pb2.AssetMaking(
                            candidate=one.name,
                            run=job_.name.split("/jobs/")[0],
                            stage="time",
                            model="models/starter-edit",
                            scene=job_.scene,
                            prompt=job_.prompt,
                            seed=one.seed,
                        ),
                        verdict=_verdict(one, job_),
                        revision=19,
                    )
                )
    return found


def numbered(number: int) -> asset_pb2.Asset:
    """One of very many assets, the first of them the newest."""
    return asset_pb2.Asset(
        name=f"{PROJECT}/assets/numbered_{number}",
        kind=asset_pb2.Asset.KIND_CANDIDATE,
        width=128,
        height=128,
        display_name=f"number {number}.png",
        create_time=at(60 + number),
        revision=6,
    )


def stages() -> run_pb2.ListStagesResponse:
    texts = {
        "style": "Lock the look of every scene.",
        "time": "Set the time of day and its light.",
        "weather": "Add the weather.",
        "characters": "Put the cast into the scenes.",
    }
    return run_pb2.ListStagesResponse(
        stages=[
            run_pb2.Stage(
                name=f"stages/{stage}",
                title=stage.capitalize(),
                description=texts[stage],
                instruction="{time}",
                defaults=run_pb2.SamplingParameters(steps=8, guidance_scale=7.5),
                default_candidates=2,
            )
            for stage in STAGES
        ],
        safe_batch_limit=20,
        candidate_cap=6,
    )


def plan(spec: run_pb2.RunSpec) -> run_pb2.Plan:
    chosen = list(spec.scenes.scenes) or [scene_name(n) for n in range(1, 7)]
    each = spec.candidates or 2
    made = run_pb2.Plan(
        digest=f"digest-{spec.stage}-{each}-{len(chosen)}",
        spec=spec,
        candidates=each * len(chosen),
        models=[run_pb2.PlannedModel(model="models/starter-edit", size_bytes=36_000_000, resident=True)],
        estimated_duration=duration_pb2.Duration(seconds=2 * each * len(chosen)),
        sampling=run_pb2.SamplingParameters(steps=spec.sampling.steps or 8, guidance_scale=7.5, width=128, height=128),
        seed=spec.seed or 41_207,
        device="devices/cpu",
        device_reason="the only device here",
    )
    for name in chosen:
        number = int(name[-2:])
        made.jobs.append(
            run_pb2.PlannedJob(
                scene=name,
                source_asset=f"{PROJECT}/assets/source-{number}",
                prompt=f"change the time of day to dusk, {SCENES[number - 1].lower()} by the harbour",
                negative_prompt="text, watermark",
                seeds=[41_200 + n for n in range(each)],
            )
        )
    made.findings.append(
        run_pb2.PolicyFinding(
            severity=run_pb2.PolicyFinding.SEVERITY_WARNING,
            code="SCENE_VARIABLE_DEFAULT",
            message="Scene 5 sets no time of day; the stage's “dusk” is used.",
        )
    )
    return made


def lineage(name: str) -> lineage_pb2.Lineage:
    """A chain of two stages of the first scene; what the second made is out of date."""
    style, time = f"{STYLE_RUN}/jobs/1/candidates/c1", f"{TIME_RUN}/jobs/1/candidates/c1"
    nodes = [
        lineage_pb2.LineageNode(
            candidate=style,
            asset=f"{PROJECT}/assets/r-0001-style-1-1",
            scene=scene_name(1),
            stage="style",
            run=STYLE_RUN,
            source_asset=f"{PROJECT}/assets/source-1",
            branch=1,
            accepted=True,
            asked=name == style,
        ),
        lineage_pb2.LineageNode(
            candidate=time,
            asset=f"{PROJECT}/assets/r-0002-time-1-1",
            scene=scene_name(1),
            stage="time",
            run=TIME_RUN,
            source_asset=f"{PROJECT}/assets/r-0001-style-1-1",
            source_candidate=style,
            branch=1,
            accepted=True,
            asked=name == time,
            stale=lineage_pb2.Staleness(stage="style", reason="the style was taken again"),
        ),
    ]
    return lineage_pb2.Lineage(nodes=nodes, revision=20)

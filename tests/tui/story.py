"""A small story as a daemon would tell it: one project, six scenes, three runs, one of them going."""

from __future__ import annotations

import colorsys
import io
import random

from bullpen_api.v1 import (
    asset_pb2,
    bible_pb2,
    model_pb2,
    postprocess_pb2,
    project_pb2,
    quality_pb2,
    run_pb2,
    system_pb2,
)
from google.protobuf import duration_pb2, timestamp_pb2
from PIL import Image, ImageDraw

NOW = 1_800_000_000.0
PROJECT = "projects/harbor_lights"
SCENES = ("Pier", "Market", "Back alley", "Rooftop", "Station", "Lighthouse")
STAGES = ("style", "time", "weather", "characters")
STYLE_RUN = f"{PROJECT}/runs/r-0001-style"
TIME_RUN = f"{PROJECT}/runs/r-0002-time"
FAILED_RUN = f"{PROJECT}/runs/r-0003-weather"

Job = run_pb2.Job
Candidate = run_pb2.Candidate


def at(seconds_ago: float) -> timestamp_pb2.Timestamp:
    return timestamp_pb2.Timestamp(seconds=int(NOW - seconds_ago))


def scene_name(number: int) -> str:
    return f"{PROJECT}/scenes/scene_{number:02}"


def picture(seed: int, side: int = 128, dusk: bool = False) -> Image.Image:
    """A little harbour: sky, sea, houses. The same seed gives the same pixels."""
    dice = random.Random(seed)
    hue = 0.08 if dusk else 0.55 + dice.random() * 0.08
    image = Image.new("RGB", (side, side))
    draw = ImageDraw.Draw(image)

    def colour(h: float, s: float, v: float) -> tuple[int, int, int]:
        red, green, blue = colorsys.hsv_to_rgb(h % 1.0, s, v)
        return int(red * 255), int(green * 255), int(blue * 255)

    for y in range(side):
        share = y / side
        sky = colour(hue + 0.1 * share, 0.55 - 0.3 * share, 0.35 + 0.5 * share)
        draw.line([(0, y), (side, y)], fill=sky if share < 0.68 else colour(hue, 0.5, 0.32 + 0.2 * (1 - share)))
    for house in range(7):
        left = house * side // 7 + dice.randint(-3, 3)
        top = int(side * (0.3 + 0.28 * dice.random()))
        wall = colour(hue + 0.45 + 0.08 * dice.random(), 0.45, 0.3 + 0.35 * dice.random())
        draw.rectangle([left, top, left + side // 8, int(side * 0.7)], fill=wall)
        for row in range(top + 5, int(side * 0.66), 9):
            for column in range(left + 3, left + side // 8 - 3, 6):
                if dice.random() < 0.6:
                    draw.rectangle([column, row, column + 2, row + 3], fill=colour(0.13, 0.6, 0.98))
    radius = side // 14
    draw.ellipse([side * 3 // 4, side // 8, side * 3 // 4 + 2 * radius, side // 8 + 2 * radius], fill=(245, 238, 205))
    return image


def png(seed: int, side: int = 128, dusk: bool = False) -> bytes:
    out = io.BytesIO()
    picture(seed, side, dusk).save(out, "PNG")
    return out.getvalue()


def preview(seed: int, share: float) -> bytes:
    """An unfinished picture: noise that gives way to the picture as `share` goes to 1."""
    done = picture(seed, 64, dusk=True)
    noise = Image.frombytes("RGB", (64, 64), random.Random(seed).randbytes(64 * 64 * 3))
    out = io.BytesIO()
    Image.blend(noise, done, share).save(out, "WEBP", quality=60)
    return out.getvalue()


def project() -> project_pb2.Project:
    stages = [
        project_pb2.StageProgress(stage=stage, accepted=accepted, scenes=6)
        for stage, accepted in zip(STAGES, (6, 2, 0, 0), strict=True)
    ]
    return project_pb2.Project(
        name=PROJECT,
        title="Harbor Lights",
        story="A retired keeper finds that the lighthouse still answers to someone out at sea.",
        storage=project_pb2.Project.STORAGE_LOCAL,
        create_time=at(200_000),
        revision=3,
        figures=project_pb2.ProjectFigures(
            runs=3,
            active_runs=1,
            assets=27,
            scenes=6,
            characters=3,
            candidates=24,
            qa_pass_rate=0.92,
            device_seconds=1860.0,
            last_run_time=at(74),
            stages=stages,
        ),
    )


def scenes() -> list[bible_pb2.Scene]:
    return [
        bible_pb2.Scene(
            name=scene_name(number),
            title=title,
            ordinal=number,
            source_asset=f"{PROJECT}/assets/source-{number}",
            revision=4,
        )
        for number, title in enumerate(SCENES, 1)
    ]


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
                        revision=19,
                    )
                )
    return found


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


def characters() -> list[bible_pb2.Character]:
    return [
        bible_pb2.Character(
            name=f"{PROJECT}/characters/mara",
            title="Mara",
            description="a woman with red hair in a yellow coat",
            profile="Daughter of the keeper; counts everything.",
            references=[f"{PROJECT}/assets/source-1"],
            looks=[bible_pb2.Look(look_id="coat", title="Yellow coat", description="in a yellow coat")],
            reference_set=f"{PROJECT}/referenceSets/mara_sheet",
            create_time=at(9000),
            revision=4,
        ),
        bible_pb2.Character(
            name=f"{PROJECT}/characters/oskar",
            title="Oskar",
            description="a ferryman in a blue jacket",
            create_time=at(8900),
            revision=4,
        ),
    ]


def style_guides() -> list[bible_pb2.StyleGuide]:
    return [
        bible_pb2.StyleGuide(
            name=f"{PROJECT}/styleGuides/flat",
            title="Harbor flat",
            description="Flat colours, thick lines.",
            variables={"style": "flat"},
            anchors=[f"{PROJECT}/assets/source-2"],
            create_time=at(9000),
            revision=4,
        )
    ]


def reference_sets() -> list[bible_pb2.ReferenceSet]:
    return [
        bible_pb2.ReferenceSet(
            name=f"{PROJECT}/referenceSets/mara_sheet",
            title="Mara's sheet",
            purpose=bible_pb2.ReferenceSet.PURPOSE_CHARACTER,
            items=[bible_pb2.ReferenceItem(asset=f"{PROJECT}/assets/source-3", caption="profile from the left")],
            create_time=at(9000),
            revision=4,
        )
    ]


def quality(name: str, jobs: list[run_pb2.Job]) -> quality_pb2.QualitySummary:
    """What was found, counted from the candidates as the daemon does."""
    whole = quality_pb2.QualitySummary(name=name)
    tallies: dict[int, quality_pb2.FindingTally] = {}
    values: dict[str, list[float]] = {}
    for one in jobs:
        done = [each for each in one.candidates if each.state == Candidate.STATE_SUCCEEDED]
        passed = sum(not each.quality.hard_failures for each in done)
        whole.candidates += len(done)
        whole.passed += passed
        whole.clean += sum(not each.quality.findings for each in done)
        whole.jobs.add(job=one.name, scene=one.scene, passed=passed, candidates=done)
        for each in done:
            for finding in each.quality.findings:
                tally = tallies.setdefault(finding.kind, quality_pb2.FindingTally(kind=finding.kind))
                tally.hard += finding.severity == run_pb2.Finding.SEVERITY_HARD
                tally.soft += finding.severity == run_pb2.Finding.SEVERITY_SOFT
                tally.candidates.append(each.name)
            for measure, value in each.quality.measures.items():
                values.setdefault(measure, []).append(value)
    whole.findings.extend(tallies.values())
    for measure, found in sorted(values.items()):
        found.sort()
        whole.measures.add(
            measure=measure, count=len(found), least=found[0], median=found[len(found) // 2], most=found[-1]
        )
    return whole


def finding_kinds() -> quality_pb2.ListFindingKindsResponse:
    return quality_pb2.ListFindingKindsResponse(
        kinds=[
            quality_pb2.FindingKind(
                kind=run_pb2.Finding.KIND_CHROMA,
                title="Colours too strong",
                meaning="The picture has stronger colours than the stage allows. Lower the guidance.",
                measure="chroma_mean",
            )
        ]
    )


def checks() -> system_pb2.DiagnoseResponse:
    return system_pb2.DiagnoseResponse(
        checks=[
            system_pb2.Check(name="database", status=system_pb2.Check.STATUS_OK, message="The database is whole."),
            system_pb2.Check(
                name="models",
                status=system_pb2.Check.STATUS_WARNING,
                message="models/old-paint is damaged.",
                remedy="Install the model again.",
            ),
        ]
    )


def color_profiles() -> postprocess_pb2.ListColorProfilesResponse:
    return postprocess_pb2.ListColorProfilesResponse(
        profiles=[
            postprocess_pb2.ColorProfile(name="cold_rain", title="Cold rain", description="Blue shadows."),
            postprocess_pb2.ColorProfile(name="neutral", title="Neutral", description="Nothing is changed."),
        ]
    )


def models() -> model_pb2.ListModelsResponse:
    return model_pb2.ListModelsResponse(
        models=[
            model_pb2.Model(
                name="models/starter-edit",
                title="Starter edit",
                state=model_pb2.Model.STATE_READY,
                family="instruct-pix2pix",
                licence="Apache-2.0",
                path="/opt/bullpen/models/starter-edit",
                size_bytes=36_000_000,
                capabilities=["instruction_edit"],
                default_width=128,
                default_height=128,
                default_steps=8,
                engine="torch",
            ),
            model_pb2.Model(
                name="models/old-paint",
                title="Old paint",
                state=model_pb2.Model.STATE_CORRUPT,
                family="sdxl",
                path="/home/ada/models/old-paint",
                size_bytes=6_940_000_000,
                problem="unet/diffusion_pytorch_model.safetensors is 12 bytes short; install the model again.",
            ),
        ]
    )


def devices() -> model_pb2.ListDevicesResponse:
    return model_pb2.ListDevicesResponse(
        devices=[
            model_pb2.Device(
                name="devices/cpu",
                kind="cpu",
                title="Processor, 2 cores",
                state=model_pb2.Device.STATE_BUSY,
                engine="torch",
                reason="No CUDA device and no Metal here, so the processor does the work.",
                memory_total_bytes=8 << 30,
                memory_used_bytes=1 << 30,
                job=f"{TIME_RUN}/jobs/3",
            )
        ]
    )


def residents() -> model_pb2.ListResidentsResponse:
    return model_pb2.ListResidentsResponse(
        residents=[
            model_pb2.Resident(
                model="models/starter-edit",
                device="devices/cpu",
                size_bytes=72_000_000,
                since=at(70),
                expires=at(-271),
                reason="used by r-0002-time; kept for 5 minutes",
                in_use=False,
            )
        ]
    )


def settings() -> system_pb2.ListSettingsResponse:
    return system_pb2.ListSettingsResponse(
        settings=[
            system_pb2.Setting(
                name="keep_alive", value="300 s", source="default", description="How long a model stays in memory."
            ),
            system_pb2.Setting(
                name="allowed_roots",
                value="/home/ada/scenes",
                source="settings/daemon.toml",
                description="Folders from which pictures may be read.",
            ),
            system_pb2.Setting(
                name="log_level", value="debug", source="environment BULLPEN_LOG", description="How much is logged."
            ),
        ]
    )


def info() -> system_pb2.Info:
    return system_pb2.Info(version="0.1.0", instance="one", hostname="gpu-box", revision=30)


def metrics(second: int) -> system_pb2.Metrics:
    wave = (second * 37 % 50) / 100
    return system_pb2.Metrics(
        cpu_utilization=0.35 + wave,
        memory_total_bytes=8 << 30,
        memory_used_bytes=(3 << 30) + second * 5_000_000,
        daemon_memory_bytes=46_000_000 + second * 10_000,
        disk_free_bytes=52 << 30,
        devices=[
            system_pb2.DeviceMetrics(
                device="devices/cpu",
                state=model_pb2.Device.STATE_BUSY,
                utilization=0.5 + wave,
                memory_total_bytes=8 << 30,
                memory_used_bytes=1 << 30,
                worker_memory_bytes=900_000_000,
            )
        ],
        queued_jobs=3,
        running_jobs=1,
        watchers=2,
        candidates_done=61 + second // 4,
        candidates_per_minute=22.0 + 10 * wave,
    )

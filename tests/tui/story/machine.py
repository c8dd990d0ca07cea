"""The machine of the story: models, devices, settings, figures."""

from __future__ import annotations

from bullpen_api.v1 import model_pb2, postprocess_pb2, system_pb2

from tests.tui.story.world import TIME_RUN, at


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
                use=model_pb2.Device.USE_ALL,
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
                name="models.keep_alive",
                value="300 s",
                source="default",
                description="How long a model stays in memory.",
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

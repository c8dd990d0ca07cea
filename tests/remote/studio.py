"""A studio whose project has accounts at a provider on this machine."""

from __future__ import annotations

from pathlib import Path

from bullpen_api.v1 import bible_pb2, remote_pb2, run_pb2, vault_pb2
from bullpen_client import Session

from tests.support.daemon import Daemon
from tests.support.providers import KEY, Provider
from tests.support.studio import Studio

MODEL = "models/openai:gpt-image-1"
SETTINGS = {"remote.allow_private_addresses": "true", "remote.answer_seconds": "120", "remote.concurrency": "1"}
ACCOUNTS = {
    "studio": bible_pb2.ProviderAccount.PROVIDER_OPENAI,
    "cutter": bible_pb2.ProviderAccount.PROVIDER_PHOTOROOM,
    "remover": bible_pb2.ProviderAccount.PROVIDER_REMOVE_BG,
}


def make_daemon(home: Path, **settings: object) -> Daemon:
    """A daemon that may speak to providers on this machine."""
    return Daemon(home, {**SETTINGS, **{name.replace("__", "."): value for name, value in settings.items()}})


class PaidStudio(Studio):
    """Shorthand for what costs money."""

    async def paid_universe(self, provider: Provider, scenes: int = 1) -> str:
        """A project with scenes, an account of each provider, and their key in the vault."""
        project = await self.universe(scenes)
        await self.session.vault.SetSecret(vault_pb2.SetSecretRequest(name="secrets/local-key", value=KEY))
        for slug, kind in ACCOUNTS.items():
            account = bible_pb2.ProviderAccount(
                provider=kind, base_url=provider.address, secret_names={"api_key": "local-key"}
            )
            await self.session.bible.CreateProviderAccount(
                bible_pb2.CreateProviderAccountRequest(
                    parent=project, provider_account_id=slug, provider_account=account
                )
            )
        return project

    async def plan(self, project: str, candidates: int = 1) -> run_pb2.Plan:
        """The plan of a run of the remote model over every scene."""
        request = run_pb2.PlanRunRequest(parent=project, spec=paid_spec(candidates))
        return await self.session.runs.PlanRun(request)

    async def confirm(self, project: str, plan: run_pb2.Plan) -> run_pb2.Run:
        """Starts what was planned, with consent to its cost."""
        request = run_pb2.CreateRunRequest(parent=project, spec=plan.spec, plan_digest=plan.digest, confirm_spend=True)
        return await self.session.runs.CreateRun(request)

    async def requests(self) -> list[remote_pb2.PaidRequest]:
        """Every paid request, the oldest first."""
        answer = await self.session.remote.ListPaidRequests(remote_pb2.ListPaidRequestsRequest(page_size=500))
        return list(reversed(answer.paid_requests))


def paid_spec(candidates: int = 1) -> run_pb2.RunSpec:
    """A run of the remote model over every scene."""
    return run_pb2.RunSpec(
        stage="style",
        scenes=run_pb2.SceneSelection(),
        model=MODEL,
        instruction="warmer, please",
        candidates=candidates,
        seed=7,
    )


def session_of(daemon: Daemon) -> Session:
    """A session with a daemon."""
    return Session(daemon.home)

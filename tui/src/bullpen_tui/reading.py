"""What the screens may ask to be read into the mirror. Nothing here draws; every answer arrives as a change.

Lists are read once and kept fresh by the watch; what no event brings is asked for again by the screen that shows it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any

from bullpen_api.v1 import asset_pb2, cost_pb2, log_pb2
from google.protobuf.message import Message as Answer

from bullpen_tui import messages as say
from bullpen_tui.exports.desk import ExportsRead
from bullpen_tui.gallery.reading import GalleryReading
from bullpen_tui.mirror import Answered, Listed, Logged, Recalled
from bullpen_tui.snapshot import Kept

if TYPE_CHECKING:
    from bullpen_tui.app import StudioApp
    from bullpen_tui.port import Daemon


EVERYWHERE = "projects/-"
"""The parent of a list over all projects."""
RECALLED = 500
"""Revisions of the journal that are read when somebody looks at it for the first time."""
LOG = "log"
LOG_TAIL = 500
"""Lines of the daemon's log that are read when somebody looks at it for the first time."""


class Reading:
    """Reads for the mirror of one studio."""

    def __init__(self, studio: StudioApp) -> None:
        self._studio = studio
        self._asked: set[str] = set()
        self._answered: set[str] = set()
        self._pages: dict[str, str] = {}
        self.gallery = GalleryReading(studio)

    @property
    def _daemon(self) -> Daemon:
        return self._studio.daemon

    def forget(self) -> None:
        """The daemon is another one: everything is to be read again."""
        self._asked.clear()
        self._pages.clear()
        self.gallery.forget()

    def known(self, what: str) -> bool:
        """Whether a list was read, such as `runs projects/harbor_lights`."""
        return what in self._answered

    def complete(self, what: str) -> bool:
        """Whether the last page of a list was read."""
        return what in self._answered and not self._pages.get(what)

    def _once(self, what: str, read: Callable[[], Coroutine[Any, Any, Listed]]) -> None:
        if self._studio.connected and what not in self._asked:
            self._asked.add(what)
            self._list(what, read)

    def _list(self, what: str, call: Callable[[], Coroutine[Any, Any, Listed]]) -> None:
        def arrived(listed: Listed) -> say.ChangesArrived:
            self._answered.add(what)
            return say.ChangesArrived((listed,))

        def refused(error: Exception) -> say.CallRefused:
            self._asked.discard(what)
            return say.CallRefused(error)  # type: ignore[arg-type]

        self._studio.ask(call, arrived, refused=refused, group=what)

    def _answer(self, what: str, call: Callable[[], Awaitable[Answer]], refused: bool = True) -> None:
        """Asks a question that no event answers. Called again while under way, the later answer counts."""
        if not self._studio.connected or self._studio.lost:
            return

        self._studio.ask(
            call,
            lambda answer: say.ChangesArrived((Answered(what, answer),)),
            refused=say.CallRefused if refused else say.CallMissed,
            group=what,
            latest_only=True,
        )

    # --- lists -------------------------------------------------------------------------------------------------------

    def runs(self, project: str) -> None:
        """The newest runs of a project."""
        self._once(f"runs {project}", lambda: self._run_page(project, ""))

    def more_runs(self, project: str) -> None:
        """Older runs, where there are any."""
        if token := self._pages.pop(f"runs {project}", ""):
            self._list(f"runs {project}", lambda: self._run_page(project, token))

    async def _run_page(self, project: str, token: str) -> Listed:
        page = await self._daemon.runs(project, token)
        self._pages[f"runs {project}"] = page.next_page_token
        return Listed(tuple(page.runs), page.revision)

    def exports(self) -> None:
        """The newest exports of all projects; once, since events tell what becomes of them."""

        async def read() -> say.ChangesArrived:
            return say.ChangesArrived((ExportsRead(tuple(await self._daemon.exports()), listed=True),))

        if self._studio.connected and "exports" not in self._asked:
            self._asked.add("exports")
            self._studio.ask(read, lambda message: message, refused=say.CallMissed, group="exports")

    def scenes(self, project: str) -> None:
        """All scenes of a project."""

        async def read() -> Listed:
            answer = await self._daemon.scenes(project)
            return Listed(tuple(answer.scenes), answer.revision)

        self._once(f"scenes {project}", read)

    def bible(self, project: str) -> None:
        """Cast, style guides, reference sets and prompt templates of a project."""

        async def read() -> Listed:
            cast = await self._daemon.characters(project)
            styles = await self._daemon.style_guides(project)
            sets = await self._daemon.reference_sets(project)
            words = await self._daemon.prompt_templates(project)
            accounts = await self._daemon.provider_accounts(project)
            revision = min(cast.revision, styles.revision, sets.revision, words.revision)
            whole: list[Kept] = [*cast.characters, *styles.style_guides, *sets.reference_sets]
            return Listed((*whole, *words.prompt_templates, *accounts), revision)

        self._once(f"bible {project}", read)

    def trash(self, project: str) -> None:
        """What lies in the trash of a project's bible; once, since events tell what goes there and comes back."""

        async def read() -> Listed:
            return Listed(tuple(await self._daemon.trashed(project)))

        self._once(f"trash {project}", read)

    def vault(self) -> None:
        """Names of what the vault keeps, and how it stands: `secrets`, `vault`."""
        self._answer("secrets", self._daemon.secrets, refused=False)
        self._answer("vault", self._daemon.vault, refused=False)

    def freshen_bible(self, project: str) -> None:
        """Reads scenes and bible again, after much of them was written at once."""
        self._asked -= {f"scenes {project}", f"bible {project}"}
        self.scenes(project)
        self.bible(project)

    def run(self, name: str) -> None:
        """One run with fresh figures."""

        async def read() -> Listed:
            return Listed((await self._daemon.run(name),))

        if self._studio.connected:
            self._list(f"run {name}", read)

    def run_once(self, name: str) -> None:
        """One run, if it is not in the mirror; its events keep it fresh."""
        if self._studio.connected and name not in self._studio.snapshot.runs and f"run {name}" not in self._asked:
            self._asked.add(f"run {name}")
            self.run(name)

    def jobs(self, run: str) -> None:
        """All jobs of a run with their candidates, now."""

        async def read() -> Listed:
            token = ""
            while True:
                page = await self._daemon.jobs(run, token)
                listed = Listed(tuple(page.jobs), page.revision)
                if not (token := page.next_page_token):
                    return listed
                # Ten thousand jobs at once would hold up keys; each page is drawn by itself.
                self._studio.post_message(say.ChangesArrived((listed,)))

        if self._studio.connected:
            self._list(f"jobs {run}", read)

    def jobs_once(self, run: str) -> None:
        """All jobs of a run with their candidates, if they were not read before."""
        if f"jobs {run}" not in self._asked:
            self._asked.add(f"jobs {run}")
            self.jobs(run)

    def assets(self, project: str, kinds: tuple[asset_pb2.Asset.Kind.ValueType, ...] = ()) -> None:
        """The newest assets of a project, of these kinds or of all."""
        self._once(_assets_of(project, kinds), lambda: self._asset_page(project, kinds, ""))

    def more_assets(self, project: str, kinds: tuple[asset_pb2.Asset.Kind.ValueType, ...] = ()) -> None:
        """Older assets, where there are any."""
        what = _assets_of(project, kinds)
        if token := self._pages.pop(what, ""):
            self._list(what, lambda: self._asset_page(project, kinds, token))

    def assets_complete(self, project: str, kinds: tuple[asset_pb2.Asset.Kind.ValueType, ...] = ()) -> bool:
        """Whether every asset of these kinds is in the mirror."""
        return self.complete(_assets_of(project, kinds)) or self.complete(_assets_of(project, ()))

    async def _asset_page(self, project: str, kinds: tuple[asset_pb2.Asset.Kind.ValueType, ...], token: str) -> Listed:
        page = await self._daemon.assets(project, token, kinds)
        self._pages[_assets_of(project, kinds)] = page.next_page_token
        return Listed(tuple(page.assets), page.revision)

    def past(self) -> None:
        """What happened last before the studio looked, into the journal: once."""
        until = self._studio.snapshot.journal[0].revision - 1 if self._studio.snapshot.journal else 0
        until = until or (self._studio.info.revision if self._studio.info is not None else 0)

        async def read() -> Recalled:
            return Recalled(tuple(await self._daemon.past(max(0, until - RECALLED), until)))

        if self._studio.connected and "past" not in self._asked:
            self._asked.add("past")
            self._studio.ask(read, lambda found: say.ChangesArrived((found,)), group="past")

    def log(self) -> None:
        """The daemon's log, followed until `leave_log`: it is sent only while somebody looks."""

        async def follow() -> None:
            known = self._studio.snapshot.log.last
            async for item in self._daemon.log(known, LOG_TAIL):
                if isinstance(item, log_pb2.WatchLogResponse):
                    self._studio.post_message(say.ChangesArrived((Logged(item),)))

        if self._studio.connected:
            self._studio.ask(follow, lambda _: None, refused=say.CallMissed, group=LOG, latest_only=True)

    def leave_log(self) -> None:
        """Nobody looks at the log any more; the next look goes on where this one ended."""
        self._studio.workers.cancel_group(self._studio, LOG)

    def instructions(self, project: str) -> None:
        """The newest instructions of a project."""

        async def read() -> Listed:
            page = await self._daemon.instructions(project)
            return Listed(tuple(page.instructions), page.revision)

        self._once(f"instructions {project}", read)

    def chats(self, project: str) -> None:
        """Conversations of a project."""

        async def read() -> Listed:
            page = await self._daemon.chat_sessions(project)
            return Listed(tuple(page.chat_sessions), page.revision)

        self._once(f"chats {project}", read)

    def chat(self, session: str) -> None:
        """Messages of a conversation."""

        async def read() -> Listed:
            page = await self._daemon.chat_messages(session)
            return Listed(tuple(page.chat_messages), page.revision)

        self._once(f"chat {session}", read)

    # --- answers -----------------------------------------------------------------------------------------------------

    def stages(self) -> None:
        """Stages of the manifest: `stages`."""
        self._answer("stages", self._daemon.stages)

    def models(self) -> None:
        """Installed models: `models`."""
        self._answer("models", self._daemon.models, refused=False)

    def residents(self) -> None:
        """Models in memory: `residents`."""
        self._answer("residents", self._daemon.residents, refused=False)

    def devices(self) -> None:
        """What can compute here: `devices`."""
        self._answer("devices", self._daemon.devices, refused=False)

    def settings(self) -> None:
        """Settings with their sources: `settings`."""
        self._answer("settings", self._daemon.settings)

    def quality(self, name: str) -> None:
        """What was found in a run, a job or a candidate: `quality NAME`."""
        self._answer(f"quality {name}", lambda: self._daemon.quality(name))

    def finding_kinds(self) -> None:
        """The kinds of findings in words: `finding kinds`."""
        self._answer("finding kinds", self._daemon.finding_kinds)

    def job_detail(self, name: str) -> None:
        """A job with the recipes of its candidates: `job NAME`."""
        self._answer(f"job {name}", lambda: self._daemon.job(name))

    def color_profiles(self) -> None:
        """The colour profiles of the settings: `color profiles`."""
        self._answer("color profiles", self._daemon.color_profiles)

    def queue(self) -> None:
        """What waits and for how long: `queue`."""
        self._answer("queue", self._daemon.queue, refused=False)

    def costs(self, project: str, dimension: cost_pb2.CostDimension.ValueType) -> None:
        """Sums by one dimension: `costs PROJECT DIMENSION`."""
        self._answer(f"costs {project} {dimension}", lambda: self._daemon.costs(project, (dimension,)))

    def spend_limits(self, project: str) -> None:
        """What a project may spend: `spend PROJECT`."""
        self._answer(f"spend {project}", lambda: self._daemon.spend_limits(project))

    def instruction(self, name: str) -> None:
        """An instruction with its plan: `instruction NAME`."""
        self._answer(f"instruction {name}", lambda: self._daemon.instruction(name))

    def prompts(self, project: str, query: str) -> None:
        """The newest prompts, those with these words: `prompts PROJECT QUERY`."""
        self._answer(f"prompts {project} {query}", lambda: self._daemon.prompts(project, query))

    def chat_engines(self) -> None:
        """What can answer in a conversation: `chat engines`."""
        self._answer("chat engines", self._daemon.chat_engines)

    def lineage(self, name: str) -> None:
        """Where pictures come from and what was made of them: `lineage NAME`."""
        self._answer(f"lineage {name}", lambda: self._daemon.lineage(name))

    def asset_tree(self, name: str) -> None:
        """What a picture descends from, and what was made of it: `tree NAME`."""
        self._answer(f"tree {name}", lambda: self._daemon.asset_tree(name))

    def saved_searches(self, project: str) -> None:
        """Saved searches of a project: `searches PROJECT`."""
        self._answer(f"searches {project}", lambda: self._daemon.saved_searches(project), refused=False)

    def checks(self) -> None:
        """What the doctor finds: `checks`."""
        self._answer("checks", self._daemon.diagnose)


def _assets_of(project: str, kinds: tuple[asset_pb2.Asset.Kind.ValueType, ...]) -> str:
    return f"assets {project} {','.join(str(kind) for kind in sorted(kinds))}".rstrip()

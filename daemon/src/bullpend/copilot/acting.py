"""Orders about runs: cancel, pause, go on, retry."""

from __future__ import annotations

import re
from typing import Any

from bullpend.copilot import leftover, picking
from bullpend.copilot.targets import POLITE, begins, stage_called, stage_words, take_run
from bullpend.copilot.wishes import Ask, Propose, Say, Understood
from bullpend.copilot.words import CANDIDATE, NUM, SCENE, Line
from bullpend.copilot.world import RunWords, World
from bullpend.instructions import model

_CANCEL = (
    r"cancel|stop|abort|kill|halt|terminate|call off|stop rendering|stop generating|interrupt|break off|shut "
    r"down|stop making|stop running|get rid of"
)
# What is said of other things too; a run or a job must be named.
_RATHER = ("shut down", "get rid of")
_PAUSE = r"pause|hold|suspend|freeze|put on hold|halt for now|put (?P<w>.*?) on hold"
_RESUME = (
    r"resume|continue|unpause|un-pause|carry on|go on|restart the queue|proceed|keep going|pick up|unfreeze|"
    r"let (?P<w>.*?) (?:go on|continue|resume)"
)
_FOR_NOW = r"for (?:now|(?:a|one) (?:moment|while|bit|minute|second))|a (?:moment|minute|second)"
_RETRY = (
    r"have (?:another|one more) (?:go|try|shot) at|give (?:it )?another (?:go|try|shot)(?: to)?|"
    r"retry|re-try|try|redo|re-do|rerun|re-run|run|repeat|do|make|start|restart"
)
_AGAIN = r"again|once more|one more time|over again|anew|over"
_FAILED = (
    r"(?:failed|failing|broken|unsuccessful|canceled|cancelled|held|errored|(?:what|whatever|that|which) (?:went "
    r"wrong|broke|crashed|did not work)|unfinished|missing|failures?|that "
    r"failed|which failed|what failed|(?:ones|jobs|panels|scenes|pictures|candidates|that|what) (?:that "
    r")?(?:have )?failed)"
)

# Ways of saying that are read as another one.
_TURNS = (
    (rf"^(?:halt|stop|wait|oh no|no) (?:[!,.] )+(?=(?:please )?(?:{_CANCEL})(?= ))", ""),
    (
        rf"^(?P<p>{POLITE})(?:start|restart|re-start|open|reopen|switch on)(?: up)? (?P<q>(?:the |my )?(?:whole "
        rf")?queue)"
        r"(?: up)?(?: again)?(?=$| )",
        r"\g<p>resume \g<q>",
    ),
    (r"^(?P<w>(?:the )?failed .+?)(?: ,)? (?:once more|again|one more time)(?: please)?$", r"retry \g<w>"),
)


def read(line: Line, world: World) -> Understood | None:
    """What is proposed, or None where it is no such order."""
    text = re.sub(
        r"\bgive (?P<w>.+?) (?:another|one more|a second|a new) (?:go|try|shot|chance)\b",
        r"retry \g<w>",
        picking.marked(line.text, world),
    )
    for said, meant in _TURNS:
        text = re.sub(said, meant, text)
    for reader in (_cancel, _pause_or_resume, _retry):
        found = reader(Line(text), world)
        if found is not None:
            return found
    return None


def _each_run(runs: list[RunWords], method: str) -> tuple[tuple[str, dict[str, Any]], ...]:
    return tuple((method, {"name": run.name}) for run in runs[:8])


def _cancel(line: Line, world: World) -> Understood | None:
    if line.find(r"backgrounds?|instructions?") is not None or (begun := begins(line, _CANCEL)) is None:
        return None
    if line.find(r"(?:the |this |your )?(?:copilot|bullpen|daemon|server|program|computer|machine)") is not None:
        return Say("beyond")
    if begun["v"] in _RATHER and line.find(r"(?:runs?|jobs?|queue|rendering|r-\d+[\w-]*)") is None:
        return Say("beyond")
    active = list(world.active)
    picked = _scenes(line, world)
    if isinstance(picked, Ask):
        return picked
    if picked:
        line.take(r"(?:the )?jobs?(?: of| for)?")
        line.take(r"(?:of|in|from) (?:the )?(?:running|current|active) (?:run|job|batch)")
        if (ask := leftover.unread(line)) is not None:
            return ask
        jobs = [job for run in active for job in run.jobs if job.scene in picked and job.state in ("QUEUED", "RUNNING")]
        if not jobs:
            return Ask(f"Nothing of {', '.join(picked)} is waiting or being made.")
        return Propose(tuple((model.CANCEL_JOB, {"name": job.name}) for job in jobs[:8]))
    target = take_run(line, world, active, "cancel")
    line.take(r"(?:right )?(?:now|immediately|at once)|that is running|what (?:you are|is) (?:doing|running|going on)")
    if (ask := leftover.unread(line)) is not None:
        return ask
    if target.ask is not None:
        return target.ask if active else Say("nothing_active")
    if not active:
        return Say("nothing_active")
    if target.run is not None:
        if not target.run.active:
            return Ask(
                f"{target.run.slug} has ended already. Which one shall I cancel?", tuple(r.slug for r in active), "run"
            )
        return Propose(_each_run([target.run], model.CANCEL_RUN))
    if target.many or len(active) == 1:
        return Propose(_each_run(active, model.CANCEL_RUN))
    return Ask("Which run shall I cancel?", (*(f"cancel {run.slug}" for run in active[:5]), "cancel everything"), "run")


def _pause_or_resume(line: Line, world: World) -> Understood | None:
    pause = begins(line, _PAUSE)
    found = pause or begins(line, _RESUME)
    if found is None:
        return None
    if found.groupdict().get("w"):
        if (ask := leftover.unread(line)) is not None:
            return ask
        line = Line(found["w"])
    if line.find(CANDIDATE) is not None:
        return None
    active = list(world.active)
    word = "pause" if pause else "resume"
    if line.take(r"(?:the |my )?(?:whole |entire )?queue|the scheduler|everything in the queue|all projects"):
        line.take(_FOR_NOW)
        if (ask := leftover.unread(line)) is not None:
            return ask
        method = model.PAUSE_QUEUE if pause else model.RESUME_QUEUE
        return Propose(((method, {}),)) if method in world.methods else Say("cannot_pause")
    target = take_run(line, world, active, word)
    line.take(_FOR_NOW)
    if (ask := leftover.unread(line)) is not None:
        return ask
    method = model.PAUSE_RUN if pause else model.RESUME_RUN
    if method not in world.methods:
        return Say("cannot_pause")
    if target.ask is not None:
        return target.ask if active else Say("nothing_active")
    if not active:
        return Say("nothing_active")
    if target.run is not None:
        if not target.run.active:
            return Ask(f"{target.run.slug} has ended already.")
        return Propose(_each_run([target.run], method))
    if target.many or len(active) == 1:
        return Propose(_each_run(active, method))
    return Ask(f"Which run shall I {word}?", (*(f"{word} {r.slug}" for r in active[:5]), f"{word} the queue"), "run")


def _retry(line: Line, world: World) -> Understood | None:
    found = begins(line, _RETRY)
    if found is None:
        return None
    plain = (
        found["v"] in ("retry", "re-try")
        or found["v"].startswith(("have ", "give "))
        or (found["v"] == "try" and line.find(_AGAIN) is not None)
    )
    failed = line.take(
        rf"(?:(?:all )?(?:of )?(?:the |what |whatever |everything |anything |those |only )*(?:that "
        rf")?){_FAILED}(?: (?:ones?|jobs?|candidates?|parts?|runs?|work|{SCENE}))?"
    )
    again = line.take(_AGAIN)
    if not plain and failed is None:
        return None
    del again
    if line.find(rf"{NUM} {CANDIDATE}") is not None:
        return None
    retryable = [run for run in world.runs if not run.active and run.again]
    picked = _scenes(line, world)
    if isinstance(picked, Ask):
        return picked
    line.take(r"(?:of|from|in|for)(?= )")
    target = take_run(line, world, retryable, "retry")
    if not target.said and (stage := line.take(rf"(?:the )?(?P<s>{stage_words(world)})(?: (?:stage|pass|run|lock))*")):
        fitting = [run for run in retryable if run.stage == stage_called(stage["s"], world)]
        if not fitting:
            return Ask(f"No run of {stage['s']} has anything to retry.")
        target = type(target)(fitting[0], said=True)
    if (ask := leftover.unread(line)) is not None:
        return ask
    if target.ask is not None:
        return target.ask if retryable else Say("nothing_to_retry")
    if not retryable:
        return Say("nothing_to_retry")
    run = target.run
    if run is None and len(retryable) > 1 and not target.many:
        return Ask("Which run shall I retry?", tuple(f"retry {one.slug}" for one in retryable[:5]), "run")
    runs = [run] if run is not None else retryable
    if run is not None and not run.again:
        return Ask(f"Everything of {run.slug} succeeded; there is nothing to retry. A new run makes new pictures.")
    if picked:
        others = {job.scene for one in runs for job in one.again} - set(picked)
        there = {job.scene for one in runs for job in one.again}
        if not set(picked) <= there:
            return Ask(
                f"{', '.join(sorted(set(picked) - there))} did not fail in {runs[0].slug}. What shall I make anew?"
            )
        if others:
            return Ask(
                f"A retry takes everything that failed in {runs[0].slug}: also {', '.join(sorted(others))}. "
                f"Shall I retry it all, "
                "or run the stage over the scenes you named?",
                (f"retry {runs[0].slug}", f"run {runs[0].stage} on scenes {', '.join(picked)}"),
            )
    return Propose(_each_run(runs, model.RETRY_RUN))


def _scenes(line: Line, world: World) -> tuple[str, ...] | Ask:
    """Scenes that are named as scenes; a lone number is none."""
    if line.find(rf"{SCENE}|§\d+") is None and not any(line.find(re.escape(scene.slug)) for scene in world.scenes):
        return ()
    picked = picking.Picker(world, line).pick()
    return Ask(picked.question, tuple(picked.choices), "scenes") if picked.question else picked.slugs

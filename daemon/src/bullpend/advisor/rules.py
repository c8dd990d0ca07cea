"""The advice: which of the places where a run could be done is the best. Pure functions, no I/O, no clock.

1. What cannot take the run is out: another engine, too little memory for certain, switched off.
2. The home of a run is the first device in general use that can: there it goes by itself.
3. Another free place is recommended where it is known to be done in less than four fifths of the time of home: to leave
   for less is not worth a person's attention. What was never measured is never recommended over what was.
4. What costs money is recommended only where nothing free can do it.
5. Where there is no home, free places come before paid ones, and quicker ones first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bullpend.advisor.model import Advice, Fit, Memory, Option, Place
from bullpend.scheduling.model import Device, State, Use

# Of the time of home that another place must stay below.
WORTH = 0.8


def fit(memory: Memory) -> Fit:
    """Whether a run fits. A guess never refuses: only more than all that the device has does."""
    if memory.resident:
        return Fit.NOW
    if not memory.total:
        return Fit.UNSPECIFIED
    if memory.needed > memory.total:
        return Fit.IN_PARTS if memory.parts else Fit.NOT
    if memory.free is None or memory.needed <= memory.free:
        return Fit.NOW
    return Fit.AFTER_MAKING_ROOM


def judge(place: Place, pictures: int) -> Option:
    """A place by itself: does it fit, how long does it take."""
    fits = Fit.NOT_NEEDED if place.memory is None else fit(place.memory)
    total = None
    if place.picture_seconds is not None and place.wait is not None:
        total = place.wait + place.picture_seconds * pictures
    problem = place.problem
    if not problem and place.use is Use.NONE:
        problem = "It is switched off."
    if not problem and fits is Fit.NOT and place.memory is not None:
        problem = f"It needs {_gib(place.memory.needed)}, and there is {_gib(place.memory.total)} in all."
    return Option(place, fits, total, problem)


def advise(places: Sequence[Place], pictures: int) -> Advice:
    """The comparison; `places` are in the order of preference, in which work goes to them by itself."""
    options = [judge(place, pictures) for place in places]
    usable = [option for option in options if not option.problem]
    if not usable:
        reasons = " ".join(f"{option.place.label}: {option.problem}" for option in options)
        return Advice(tuple(options), None, f"Nothing here can take it. {reasons}".strip())
    home = next((option for option in usable if not option.place.needs_consent), None)
    ranked = sorted(usable, key=_rank)
    best = home or ranked[0]
    if home is not None and home.total is not None:
        for other in ranked:
            free, known = other.place.cost is None, other.total is not None
            if other is not home and free and known and (other.total or 0.0) < WORTH * home.total:
                best = other
                break
    rest = [option for option in ranked if option is not best]
    return Advice((best, *rest, *(o for o in options if o.problem)), best, _why(best, home, rest))


def ahead(
    state: State, device: str, speeds: Mapping[str, Mapping[str, float]], priority: int = 0, until: str = ""
) -> tuple[int, float | None]:
    """Jobs that go before a new one of a priority on a device, or before the first of the run `until`; and the seconds
    until the device is free for it, None where some of them are of an unknown length.

    `speeds` are seconds of a step by device, then model; those of the device "" hold for any. Each job goes to the
    device that is free first of those that may take it; half of what runs is taken to be done.
    """
    known = {name: each for name, each in state.devices.items() if each.use is not Use.NONE or each.job}
    if device not in known:
        return 0, 0.0
    counts = {name: int(bool(each.job)) for name, each in known.items()}
    free = {name: _half(state, each, speeds) for name, each in known.items()}
    for name in state.queue:
        spec = state.jobs[name].spec
        if until and spec.run == until:
            break
        if spec.priority < priority and not until:
            break
        takers = [each for each in known if known[each].takes(spec)]
        if not takers:
            continue
        first = min(takers, key=lambda each: (free[each] is None, free[each] or 0.0))
        counts[first] += 1
        before, seconds = free[first], _seconds(state, name, first, speeds)
        free[first] = None if before is None or seconds is None else before + seconds
    return counts[device], free[device]


def _half(state: State, device: Device, speeds: Mapping[str, Mapping[str, float]]) -> float | None:
    if not device.job or device.job not in state.jobs:
        return 0.0
    seconds = _seconds(state, device.job, device.device, speeds)
    return None if seconds is None else seconds / 2


def _seconds(state: State, job: str, device: str, speeds: Mapping[str, Mapping[str, float]]) -> float | None:
    spec = state.jobs[job].spec
    step = speeds.get(device, {}).get(spec.model, speeds.get("", {}).get(spec.model))
    return None if step is None else step * spec.steps


def _rank(option: Option) -> tuple[bool, bool, float, bool]:
    """Free before paid, measured before unknown, quick before slow, in general use before others."""
    known = option.total is not None
    return (option.place.cost is not None, not known, option.total or 0.0, option.place.needs_consent)


def _why(best: Option, home: Option | None, rest: Sequence[Option]) -> str:
    words = f"{best.place.label} {_takes(best)}"
    if home is None:
        words += "; no device in general use can take it"
    elif best is not home:
        words += f"; {home.place.label}, where it would go by itself, {_takes(home)}"
    elif len(rest) == 0:
        words += "; there is nothing else that could do it"
    else:
        words += "; work goes there by itself"
        paid = [o for o in rest if o.place.cost is not None and o.total is not None]
        if paid and best.total is not None and (paid[0].total or 0.0) < WORTH * best.total:
            words += f". {paid[0].place.label} {_takes(paid[0])} and costs about {paid[0].place.cost}"
    if best.fit is Fit.IN_PARTS:
        words += ". It does not fit as a whole: it is slower than that, with one network at a time on the device"
    return f"{words}."


def _takes(option: Option) -> str:
    if option.total is None:
        return "was not measured yet"
    return f"takes about {span(option.total)}"


def span(seconds: float) -> str:
    """Seconds as a person says them."""
    if seconds < 1:
        return "a second"
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"

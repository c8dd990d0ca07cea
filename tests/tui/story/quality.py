"""What was found in the pictures of the story."""

from __future__ import annotations

from bullpen_api.v1 import quality_pb2, run_pb2

from tests.tui.story.runs import Candidate


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

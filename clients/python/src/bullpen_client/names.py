"""Resource names: `projects/{project}/runs/{run}/jobs/{job}/candidates/{candidate}` and their kin.

Built and taken apart here so that no client cuts strings by hand. Only the form is checked; whether the resource
exists is the daemon's to say.
"""

from __future__ import annotations

from dataclasses import dataclass

_PROJECT_CHILDREN = {
    "scenes",
    "characters",
    "styleGuides",
    "referenceSets",
    "promptTemplates",
    "providerAccounts",
    "runs",
    "assets",
    "instructions",
    "chatSessions",
    "prompts",
    "exports",
}


@dataclass(frozen=True)
class ResourceName:
    """A name as pairs of collection and id, outermost first."""

    parts: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return "/".join(f"{collection}/{ident}" for collection, ident in self.parts)

    def __getitem__(self, collection: str) -> str:
        """Id of a collection, such as `name["runs"]`; KeyError when the name has none."""
        return dict(self.parts)[collection]

    def __contains__(self, collection: object) -> bool:
        return any(collection == have for have, _ in self.parts)

    @property
    def collection(self) -> str:
        """The innermost collection: what kind of resource it is."""
        return self.parts[-1][0]

    @property
    def ident(self) -> str:
        """The innermost id."""
        return self.parts[-1][1]

    @property
    def parent(self) -> str:
        """Name of the resource around this one; empty for an outermost one."""
        return str(ResourceName(self.parts[:-1])) if len(self.parts) > 1 else ""

    def upto(self, collection: str) -> str:
        """The name cut after a collection: of a candidate, `upto("runs")` is the run."""
        for index, (have, _) in enumerate(self.parts):
            if have == collection:
                return str(ResourceName(self.parts[: index + 1]))
        raise KeyError(collection)


def parse(name: str) -> ResourceName:
    """Takes a name apart. Raises ValueError when it does not consist of pairs without empty parts."""
    pieces = name.split("/")
    if len(pieces) % 2 or not all(pieces):
        raise ValueError(f"not a resource name: {name!r}")
    return ResourceName(tuple(zip(pieces[::2], pieces[1::2], strict=True)))


def ident(name: str) -> str:
    """The last part of a name; the whole text when it has no slash."""
    return name.rpartition("/")[2]


def project(slug: str) -> str:
    """`projects/{slug}`; a full name stays as it is."""
    return slug if slug.startswith("projects/") else f"projects/{slug}"


def project_of(name: str) -> str:
    """The project around a resource, `projects/{project}`. Raises ValueError when there is none."""
    found = parse(name)
    if found.parts[0][0] != "projects":
        raise ValueError(f"not inside a project: {name!r}")
    return found.upto("projects")


def child(parent: str, collection: str, ident_or_name: str) -> str:
    """`{parent}/{collection}/{id}`; a full name stays as it is."""
    if ident_or_name.startswith("projects/"):
        return ident_or_name
    return f"{parent}/{collection}/{ident_or_name}"


def scene(project_name: str, slug: str) -> str:
    """Name of a scene of a project."""
    return child(project(project_name), "scenes", slug)


def character(project_name: str, slug: str) -> str:
    """Name of a character of a project."""
    return child(project(project_name), "characters", slug)


def style_guide(project_name: str, slug: str) -> str:
    """Name of a style guide of a project."""
    return child(project(project_name), "styleGuides", slug)


def reference_set(project_name: str, slug: str) -> str:
    """Name of a reference set of a project."""
    return child(project(project_name), "referenceSets", slug)


def prompt_template(project_name: str, slug: str) -> str:
    """Name of a prompt template of a project."""
    return child(project(project_name), "promptTemplates", slug)


def provider_account(project_name: str, slug: str) -> str:
    """Name of a provider account of a project."""
    return child(project(project_name), "providerAccounts", slug)


def run(project_name: str, ident_: str) -> str:
    """Name of a run of a project."""
    return child(project(project_name), "runs", ident_)


def asset(project_name: str, ident_: str) -> str:
    """Name of an asset of a project."""
    return child(project(project_name), "assets", ident_)


def is_inside(name: str, ancestor: str) -> bool:
    """Whether a resource is another one or lies inside it."""
    return name == ancestor or name.startswith(ancestor + "/")


def kind_of(name: str) -> str:
    """Collection of a resource (`runs`, `jobs`, …); empty when the text is not a resource name."""
    try:
        found = parse(name)
    except ValueError:
        return ""
    if found.parts[0][0] == "projects" and len(found.parts) > 1 and found.parts[1][0] not in _PROJECT_CHILDREN:
        return ""
    return found.collection

"""What a story is made of: a cast, a look, and scenes in order."""

from dataclasses import dataclass

from bullpen_starter.render.spec import Character


@dataclass(frozen=True, slots=True)
class Guide:
    """The look that the whole story keeps. `style` is one of the renderer's."""

    slug: str
    name: str
    style: str
    description: str


@dataclass(frozen=True, slots=True)
class Member:
    """One of the cast: how it looks, and who it is."""

    slug: str
    name: str
    looks: Character
    profile: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a scene. Said by a member of the cast, or told by nobody."""

    text: str
    who: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A member's part in a scene: where it stands and, where the story needs it, how. Else the seed chooses."""

    who: str
    place: str
    pose: str | None = None
    expression: str | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """One panel of the story.

    `kind` and `layout` say which place the renderer draws; `cast` says who is in it, from left to right.
    """

    title: str
    kind: str
    layout: int
    time: str
    weather: str
    cast: tuple[Part, ...]
    description: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """A whole universe. Scene n has the slug `scene_0n`."""

    slug: str
    title: str
    story: str
    guide: Guide
    cast: tuple[Member, ...]
    scenes: tuple[Scene, ...]

    def member(self, slug: str) -> Member:
        """One of the cast. Raises `KeyError`."""
        return {member.slug: member for member in self.cast}[slug]

    def standing(self, scene: Scene) -> tuple[Character, ...]:
        """The characters of a scene in their places."""
        return tuple(
            self.member(part.who).looks.at(part.place).doing(part.pose, part.expression) for part in scene.cast
        )

    def numbered(self) -> list[tuple[str, Scene]]:
        """The scenes in order with their slugs."""
        return [(f"scene_{number:02}", scene) for number, scene in enumerate(self.scenes, 1)]

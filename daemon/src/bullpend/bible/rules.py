"""What may be written in the bible, as far as a message alone can tell. Pure functions.

Each raises FieldInvalid or LimitExceeded naming the path of the first field at fault, such as
`character.looks[1].look_id`; templates are in `templates.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bullpend.bible.model import Character, Kind, Message, ProviderAccount, ReferenceSet, Scene, StyleGuide
from bullpend.errors import FieldInvalid, LimitExceeded
from bullpend.rpc import names, outside
from bullpend.runs import loras
from bullpend.runs.model import LoraUse

TITLE, TEXT, WORDS, CAPTION = 200, 20_000, 4000, 500
# How many of something one resource may have.
PICTURES, LOOKS, CAST = 200, 32, 32
MAX_WEIGHT = 10.0
# Room for scenes after the last one within the 32 bits of the wire.
MAX_ORDINAL = 1_000_000_000

Provider = ProviderAccount.Provider
# Secrets that a provider cannot do without.
NEEDED: Mapping[int, tuple[str, ...]] = {
    ProviderAccount.PROVIDER_OPENAI: ("api_key",),
    ProviderAccount.PROVIDER_PHOTOROOM: ("api_key",),
    ProviderAccount.PROVIDER_REMOVE_BG: ("api_key",),
}
# Providers that have no address of their own.
SELF_HOSTED = (ProviderAccount.PROVIDER_OPENAI_COMPATIBLE, ProviderAccount.PROVIDER_COMFYUI)
SECRETS = ("api_key", "organization")


def check(kind: Kind[Any], message: Message) -> None:
    """Whether a resource may be kept as it is said. Titles are filled in before."""
    at = kind.singular
    names.text(message.title, f"{at}.title", TITLE)
    names.text(message.description, f"{at}.description", TEXT)
    if (more := _MORE.get(kind.table)) is not None:
        more(message)


def _style_guide(message: StyleGuide) -> None:
    names.variables(message.variables, "style_guide.variables")
    few(message.anchors, PICTURES, "style_guide.anchors")


def _character(message: Character) -> None:
    names.text(message.profile, "character.profile", TEXT)
    names.text(message.prompt, "character.prompt", WORDS)
    names.text(message.negative_prompt, "character.negative_prompt", WORDS)
    few(message.references, PICTURES, "character.references")
    few(message.looks, LOOKS, "character.looks")
    for index, look in enumerate(message.looks):
        at = f"character.looks[{index}]"
        names.slug(look.look_id, f"{at}.look_id")
        names.text(look.title, f"{at}.title", TITLE)
        names.text(look.description, f"{at}.description", WORDS)
        few(look.references, PICTURES, f"{at}.references")
    once([look.look_id for look in message.looks], "character.looks[{}].look_id")
    uses = [LoraUse(use.model, use.scale if use.HasField("scale") else 1.0) for use in message.loras]
    try:
        loras.check(uses)
    except (FieldInvalid, LimitExceeded) as error:
        error.field = f"character.{error.field}"
        raise
    once([use.model for use in uses], "character.loras[{}].model")


def _scene(message: Scene) -> None:
    names.variables(message.variables, "scene.variables")
    few(message.characters, CAST, "scene.characters")
    once(message.characters, "scene.characters[{}]")
    if not 0 <= message.ordinal <= MAX_ORDINAL:
        raise FieldInvalid(
            f"`scene.ordinal` is {message.ordinal}; places are counted from 1 to {MAX_ORDINAL}.",
            field="scene.ordinal",
            remedy="Give the scene's place in the story, or 0 to put it last.",
        )
    present = {name.rsplit("/", 1)[-1] for name in message.characters}
    for character in message.looks:
        if character not in present:
            raise FieldInvalid(
                f"`scene.looks` has a look for {character[:100]!r}, who is not in the scene.",
                field=f"scene.looks.{character[:100]}",
                remedy="Name characters of the scene by their ids.",
            )


def _reference_set(message: ReferenceSet) -> None:
    if not message.purpose:
        raise FieldInvalid(
            "`reference_set.purpose` is not set.",
            field="reference_set.purpose",
            remedy="Say what the set is for: style, character or place.",
        )
    few(message.items, PICTURES, "reference_set.items")
    for index, item in enumerate(message.items):
        at = f"reference_set.items[{index}]"
        names.text(item.caption, f"{at}.caption", CAPTION)
        # Written so that a value that is no number fails too.
        if item.HasField("weight") and not 0.0 < item.weight <= MAX_WEIGHT:
            raise FieldInvalid(
                f"`{at}.weight` is {item.weight:g}.",
                field=f"{at}.weight",
                remedy=f"Give a weight above 0 and at most {MAX_WEIGHT:g}; 1 is usual.",
            )
    once([item.asset for item in message.items], "reference_set.items[{}].asset")


def _provider_account(message: ProviderAccount) -> None:
    at = "provider_account"
    if not message.provider:
        raise FieldInvalid(
            f"`{at}.provider` is not set.", field=f"{at}.provider", remedy="Say which provider the account is with."
        )
    outside.address(message.base_url, f"{at}.base_url")
    names.text(message.default_model, f"{at}.default_model", TITLE)
    outside.secret_names(message.secret_names, SECRETS, f"{at}.secret_names")
    known = ProviderAccount.Provider.DESCRIPTOR.values_by_number.get(message.provider)
    called = str(known.name).removeprefix("PROVIDER_") if known is not None else str(message.provider)
    if message.provider in SELF_HOSTED and not message.base_url:
        raise FieldInvalid(
            f"`{at}.base_url` is empty, and {called} has no address of its own.",
            field=f"{at}.base_url",
            remedy="Give the address at which it answers.",
        )
    for use in NEEDED.get(message.provider, ()):
        if use not in message.secret_names:
            raise FieldInvalid(
                f"{called} needs the secret `{use}`.",
                field=f"{at}.secret_names.{use}",
                remedy="Give the name that the secret is kept under.",
            )


_MORE: dict[str, Callable[[Any], None]] = {
    "style_guides": _style_guide,
    "characters": _character,
    "scenes": _scene,
    "reference_sets": _reference_set,
    "provider_accounts": _provider_account,
}


def few(values: Sequence[Any], most: int, field: str) -> None:
    """Raises LimitExceeded for more values than are kept."""
    if len(values) > most:
        raise LimitExceeded(
            f"`{field}` has {len(values)} entries, and at most {most} are kept.", field=field, limit=most
        )


def once(values: Sequence[str], field: str) -> None:
    """Raises FieldInvalid for a value that comes twice; `{}` in `field` stands for its place."""
    for value, count in Counter(values).items():
        if count > 1:
            second = [index for index, other in enumerate(values) if other == value][1]
            place = field.format(second)
            raise FieldInvalid(f"`{place}` repeats {value[:200]!r}.", field=place, remedy="Give it once.")


def words(character: Mapping[str, Any], look_id: str = "") -> str:
    """What a prompt says of a character who wears a look: its prompt, or else its description, then the look's words.

    `character` is a row. A look that the character has no more adds nothing.
    """
    own = str(character["prompt"] or character["description"])
    worn = [look.get("description", "") for look in character["looks"] if look["look_id"] == look_id]
    return ", ".join(text for text in (own, *worn) if text)


def values_of(character: Mapping[str, Any], scene: Mapping[str, Any]) -> dict[str, str]:
    """What the first character of a scene gives to templates; nothing while it is in the trash. Both are rows."""
    if character["delete_time"] is not None:
        return {}
    values = {"character": words(character, scene["looks"].get(character["slug"], ""))}
    if character["negative_prompt"]:
        values["character_negative"] = character["negative_prompt"]
    return values

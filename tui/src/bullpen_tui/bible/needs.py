"""What a form cannot be kept without, and what it says of the field that has the cursor. Pure.

The daemon keeps much that a run refuses later, such as a look without words. The form asks for it at once, by field.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from bullpen_api.v1 import bible_pb2, run_pb2

from bullpen_tui.bible.kinds import LISTED, Entry, Field, Kind

SELF_HOSTED = (
    bible_pb2.ProviderAccount.PROVIDER_OPENAI_COMPATIBLE,
    bible_pb2.ProviderAccount.PROVIDER_COMFYUI,
)
"""Providers that have no address of their own, and need no key."""
EXAMPLES = {"style": "ink", "time": "night", "weather": "rain"}


def style_values(stages: Iterable[run_pb2.Stage]) -> list[str]:
    """Values that stages which change the style put into their prompts; a style guide is where they stand."""
    found = [name for stage in stages if "style" in stage.may_change for name in stage.variables]
    return list(dict.fromkeys(found))


def missing(
    kind: Kind, entry: Entry, wanted: Collection[str], touched: Collection[str] | None = None
) -> tuple[Field, str] | None:
    """The first field that must be filled in, with the sentence that says so; nothing where all is there.

    `wanted` are the values that a style guide must give. With `touched` only these fields of the message are looked at,
    so that nobody has to mend what they did not write.
    """
    for field in kind.fields:
        if touched is not None and not set(field.names) & set(touched):
            continue
        if said := _lacks(entry, field.name, wanted):
            return field, said
    return None


def _lacks(entry: Entry, name: str, wanted: Collection[str]) -> str:
    match entry:
        case bible_pb2.StyleGuide() if name == "variables":
            lacking = [one for one in wanted if not entry.variables.get(one, "").strip()]
            if lacking:
                example = f"{lacking[0]}={EXAMPLES.get(lacking[0], '…')}"
                return f"a run needs {' and '.join(lacking)}. Write {example}, one value a line."
            if not entry.variables:
                return "a style without a value changes no picture. Write style=ink, one value a line."
        case bible_pb2.Character() if name == "description" and not (entry.description or entry.prompt):
            return "a run needs words to draw them by. Write how they look."
        case bible_pb2.ReferenceSet() if name == "purpose" and not entry.purpose:
            return "say what the set is for: style, character or place."
        case bible_pb2.PromptTemplate() if name == "text" and not entry.text:
            return "a template needs its words, such as: Redraw this panel in {style} style."
        case bible_pb2.ProviderAccount() if name == "provider" and not entry.provider:
            return "say which provider the account is with."
        case bible_pb2.ProviderAccount() if name == "secret_names" and entry.provider not in SELF_HOSTED:
            if entry.provider and not entry.secret_names.get("api_key", ""):
                return "the provider needs a key. Write what it is called in the vault, such as api_key=openai-main."
        case bible_pb2.ProviderAccount() if name == "base_url" and entry.provider in SELF_HOSTED:
            if not entry.base_url:
                return "this provider has no address of its own. Write where it answers, such as http://127.0.0.1:8188."
    return ""


def needed(kind: Kind, field: Field) -> bool:
    """Whether the form is not kept without this field."""
    return field.name == "title" or bool(_lacks(kind.message(), field.name, ()))


def keys_of(field: Field) -> list[tuple[str, str]]:
    """Keys that work in a field, with what they do."""
    if field.way in LISTED:
        change = [] if field.way == "pictures" else [("enter", "changes")]
        return [("a", "adds"), *change, ("d", "takes out"), ("tab", "next field")]
    if field.way == "choice":
        return [("enter", "shows what there is"), ("tab", "next field")]
    if field.way == "words":
        return [("enter", "next field"), ("ctrl+j", "new line")]
    if field.way == "pairs":
        return [("enter", "new line; on an empty one the next field")]
    return [("enter", "next field")]

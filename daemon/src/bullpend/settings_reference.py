"""The settings as texts for people: a page of the documents, and a file to begin from."""

from __future__ import annotations

import json
import os
from typing import Any

from bullpend.settings import PREFIX
from bullpend.settings_tree import Tree, known

_HEAD = """# Settings

Made by `tools/settings_reference.py`; do not edit.

A value comes from the strongest place that gives one: a flag (`bullpend --set scheduler.max_attempts=5`), the
environment, `daemon.toml` in the daemon's home, `daemon.toml` in the settings folder, the default. `bullpen settings`
shows every value with its source. A key that does not exist is refused with the nearest one that does.

In folders, `~` is the person's home, `{home}` the daemon's, `{checkout}` the repository that Bullpen runs from (left
out otherwise), `{tmp}` the folder for temporary files and `{huggingface}` the Hugging Face cache. In the environment
and in flags the folders of a list are parted by the system's path separator (`%s`).

The home is `--home`, else `BULLPEN_HOME`, else `var/` in a checkout, else the platform's state folder. The settings
folder is `BULLPEN_SETTINGS`, else `settings/` in a checkout, else the packaged one.

| setting | default | what it does | environment |
|---|---|---|---|
"""

_TOML_HEAD = """# Settings of the daemon. Every line below shows a default; take away the # to change one.
# docs/settings.md says where values come from, and which place is stronger.
"""


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.replace(".", "_").upper()


def as_markdown() -> str:
    """docs/settings.md."""
    rows = [
        f"| `{name}` | `{_value(default)}` | {description} | `{variable(name)}` |"
        for name, description, default in known()
    ]
    return _HEAD % os.pathsep + "\n".join(rows) + "\n"


def as_toml() -> str:
    """settings/daemon.toml, with every line commented out."""
    parts = [_TOML_HEAD]
    for group in Tree.model_fields:
        parts.append(f"\n[{group}]\n")
        for name, description, default in known():
            if name.startswith(f"{group}."):
                parts.append(f"# {description}\n# {name.split('.')[1]} = {_value(default)}\n")
    return "".join(parts)


def _value(value: Any) -> str:
    """As TOML; JSON writes our kinds of values the same way."""
    return json.dumps(value, ensure_ascii=False)

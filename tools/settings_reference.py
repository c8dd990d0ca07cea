"""Writes docs/settings.md and settings/daemon.toml from the settings themselves; a test holds them in step."""

from __future__ import annotations

from pathlib import Path

from bullpend.settings_reference import as_markdown, as_toml

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Writes both files."""
    for path, text in ((ROOT / "docs" / "settings.md", as_markdown()), (ROOT / "settings" / "daemon.toml", as_toml())):
        path.write_text(text, encoding="utf-8")
        print(f"{path.relative_to(ROOT)}: {len(text.splitlines())} lines")


if __name__ == "__main__":
    main()

"""What a universe looks like: style guides, characters, scenes."""

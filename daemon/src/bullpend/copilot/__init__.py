"""The copilot: the conversation about a project. It reads, and proposes instructions; it never confirms."""

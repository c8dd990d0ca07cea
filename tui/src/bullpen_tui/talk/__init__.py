"""Conversations and instructions beyond reading them: what answers, how it chooses words, what is edited and sent."""

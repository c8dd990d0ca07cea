"""Instructions: what was proposed, shown, confirmed by a person, and carried out once."""

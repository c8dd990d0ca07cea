"""What clients hear: the journal's events in order, and the latest progress of what runs."""

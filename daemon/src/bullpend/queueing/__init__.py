"""The queue as people see it: paused or not, who stands where, when it will be done, and what they decide about it."""

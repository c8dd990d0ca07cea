"""Who changed what: one entry for each change that a call makes, in the transaction of the change."""

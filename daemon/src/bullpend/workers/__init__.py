"""The processes that compute: started by exec, spoken to in frames, watched, and gone when the daemon is gone."""

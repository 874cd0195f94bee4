"""The public nouns, one file each: what a user says, what comes back, one call to the backend."""

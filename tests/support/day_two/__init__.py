"""Three small platforms on which the client's day is played: control planes of the sandbox, and played servers."""

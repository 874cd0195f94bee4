"""The neutral programs, what each backend makes of them, and what a backend must have."""

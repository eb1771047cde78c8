"""`python -m tools send`: events as producers of the real kinds would send them, and bad ones on demand."""

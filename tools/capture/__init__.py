"""`python -m tools capture`: what Event Hubs Capture has written, as files here or blobs there."""

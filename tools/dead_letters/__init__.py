"""`python -m tools dead-letters`: read what no stage could take, and send it again once the cause is mended."""

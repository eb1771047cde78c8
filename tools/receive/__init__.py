"""`python -m tools receive`: what is on a hub, event by event or record by record."""

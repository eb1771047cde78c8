"""Which hubs there are, which consumer groups read each, and how far each is behind."""

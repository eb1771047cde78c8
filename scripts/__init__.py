"""Commands for maintainers: they derive what the repository ships, and are never deployed."""

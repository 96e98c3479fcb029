"""What the core tells its host. One family a file; every event is complete when it is built."""

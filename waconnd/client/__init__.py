"""Clients of the socket. `sync.py` and `aio.py` each stand alone (standard library only): copy the one you need."""

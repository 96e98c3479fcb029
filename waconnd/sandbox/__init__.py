"""A WhatsApp on this machine: server, phones and people that real clients believe.

`World` is the server's logic, sans-I/O like `protocol`: `receive(link, node, now)` in, `outputs()` out. `Sandbox` adds phones and
people and is what scripts and tests hold; `server.py` and `hosts.py` are the only files here that open sockets.
"""

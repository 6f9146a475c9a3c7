"""How fast the build is: against a plain script, against its own limit, with two workers."""

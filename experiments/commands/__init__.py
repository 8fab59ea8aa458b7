"""The commands of ``iqa``: one module a command, its function ``command`` (or its group, ``app``)."""

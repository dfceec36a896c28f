"""Workers: the only code that knows processes and threads."""

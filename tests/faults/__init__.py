"""Real faults on the real host: it is killed, suspended, its disk fills up, its files are damaged, its clock steps."""

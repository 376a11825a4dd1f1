"""One module per kind of row. A row starts its processes, runs its rounds and says what it measured."""

"""What each fact changes, by subject; `evolve` says which fact is applied by which of them."""

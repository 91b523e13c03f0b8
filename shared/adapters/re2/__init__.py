"""RE2, Google's library of regular expressions that cannot take exponential time."""

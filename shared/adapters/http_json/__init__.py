"""Plain HTTP and JSON: looking at a page as a user's browser would."""

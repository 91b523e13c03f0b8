"""What the counts of two versions say of which is better."""

"""Gateway API on AKS: an HTTPRoute whose rules divide requests between two Services by weight."""

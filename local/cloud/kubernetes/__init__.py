"""A stand-in for a Kubernetes cluster: the API for HTTPRoutes, a gateway that obeys them, and Services behind it."""

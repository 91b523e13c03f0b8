"""How a rollout moves: needs, decide, evolve and react over the aggregate of one application."""

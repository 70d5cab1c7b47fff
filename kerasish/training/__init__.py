"""What happens in fit: `objective` (losses and metrics), `program` (K steps in one execution), `loop` (epochs)."""

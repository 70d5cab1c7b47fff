"""How layers and TensorFlow ops were joined: symbolic tensors, the nodes between them, and the plan that runs them."""

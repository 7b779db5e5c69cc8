"""What tensors, the graph and the stack say when something is not finite; the names people gave to layers."""

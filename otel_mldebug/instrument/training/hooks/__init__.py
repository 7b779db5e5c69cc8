"""What we put into PyTorch, and what it does when PyTorch calls it."""

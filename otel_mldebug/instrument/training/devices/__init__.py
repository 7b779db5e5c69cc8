"""What lives on a GPU, read without ever waiting for it."""

"""Foreign code in, signals out: what watches functions, training steps and resources."""

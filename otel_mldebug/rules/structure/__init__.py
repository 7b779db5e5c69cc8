"""What a failure no entry of the catalogue knows still tells: by its words, its class, its codes, who raised it."""

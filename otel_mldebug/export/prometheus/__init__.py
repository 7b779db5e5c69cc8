"""A page of metrics that Prometheus can scrape, spelled as the Collector would spell it."""

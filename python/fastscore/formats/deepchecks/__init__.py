"""What Deepchecks' LLM product takes: an interaction an item, as JSON Lines or CSV."""

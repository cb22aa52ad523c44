"""From the scores of items to estimates with their uncertainty."""

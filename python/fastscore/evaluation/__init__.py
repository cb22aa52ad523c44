"""From names of tasks to results: rows prepared, items scored or texts generated, summed up."""

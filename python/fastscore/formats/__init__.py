"""Files in the layouts of other tools, which need not be there."""

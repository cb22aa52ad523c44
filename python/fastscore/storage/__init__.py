"""What models answered, kept on disk so that a stopped run goes on where it was."""

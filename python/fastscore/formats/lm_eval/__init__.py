"""The files of lm-evaluation-harness: ``results_*.json`` and ``samples_*.jsonl``."""

"""A model that is asked and answers: texts, filled-in forms, decisions between options."""

from fastscore.assistant.assistant import Assistant
from fastscore.assistant.decision import Decision
from fastscore.assistant.gatherer import Gatherer

__all__ = ["Assistant", "Decision", "Gatherer"]

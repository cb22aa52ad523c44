"""How far a model's distributions have moved from those of the model that it was made from."""

from fastscore.distance.divergence import divergence
from fastscore.distance.prompts import prompts_of
from fastscore.distance.values import Divergence, Estimate

__all__ = ["Divergence", "Estimate", "divergence", "prompts_of"]

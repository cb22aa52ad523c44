"""The engine as Python sees it: a model file, opened, scoring requests."""

from fastscore.model.generation import GenerationRun
from fastscore.model.info import ModelInfo
from fastscore.model.lockstep import ComparedTokens, LockStepRun
from fastscore.model.model import Model
from fastscore.model.quantise import QuantizedFile, quantize
from fastscore.model.run import Completed, ScoringRun, Work
from fastscore.model.settings import EngineSettings, Limits
from fastscore.types import Finished, Generation, GenerationRequest, Sampling

__all__ = [
    "ComparedTokens",
    "Completed",
    "EngineSettings",
    "Finished",
    "Generation",
    "GenerationRequest",
    "GenerationRun",
    "Limits",
    "LockStepRun",
    "Model",
    "ModelInfo",
    "QuantizedFile",
    "Sampling",
    "ScoringRun",
    "Work",
    "quantize",
]

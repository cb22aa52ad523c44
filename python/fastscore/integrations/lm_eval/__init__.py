"""lm-evaluation-harness on fastscore's engine: every task that lm-eval knows, in process.

>>> import lm_eval
>>> from fastscore.integrations.lm_eval import FastscoreLM
>>> lm_eval.simple_evaluate(model=FastscoreLM("model.gguf"), tasks=["arc_easy"])  # doctest: +SKIP

Importing this module registers the model ``fastscore``, after which ``model="fastscore"`` with
``model_args="pretrained=model.gguf"`` works too. The conventions are those of lm-eval 0.4.13's HF
backend: what is tokenised with what, where BOS goes, what is cut from the left, which windows a
long text is read in.
"""

from fastscore.integrations.lm_eval.language_model import FastscoreLM

__all__ = ["FastscoreLM"]

"""Results as the objects that the client of Deepchecks' LLM product sends.

>>> from deepchecks_llm_client.client import DeepchecksLLMClient
>>> from fastscore.integrations.deepchecks_llm import to_log_interactions
>>> client = DeepchecksLLMClient(host="https://app.llm.deepchecks.com", api_token="...")
>>> client.log_batch_interactions(
...     app_name="arc", version_name="model-q4", env_type="EVAL",
...     interactions=to_log_interactions(results),
... )  # doctest: +SKIP

Nothing is sent from here.
"""

from __future__ import annotations

from fastscore.formats.deepchecks.interactions import Interaction, interactions
from fastscore.integrations.missing import missing_tool
from fastscore.results import Results

try:
    from deepchecks_llm_client.data_types import AnnotationType, LogInteraction, UserValueProperty
except ImportError as error:
    raise missing_tool("Deepchecks' LLM client", "deepchecks-llm", error) from error


def to_log_interactions(results: Results, *, metric: str | None = None) -> list[LogInteraction]:
    """Return one LogInteraction for each item of given choices and each generated text.

    Their fields are those of `fastscore.formats.deepchecks.interactions.Interaction`, where
    ``metric`` is explained too. No times are given: an item has none of its own.

    Raises UsageError where the run kept no prompts or a task does not report the metric.
    """
    return [_log_interaction(one) for one in interactions(results, metric=metric)]


def _log_interaction(one: Interaction) -> LogInteraction:
    return LogInteraction(
        user_interaction_id=one.user_interaction_id,
        session_id=one.session_id,
        input=one.input,
        output=one.output,
        full_prompt=one.full_prompt,
        expected_output=one.expected_output,
        annotation=None if one.annotation is None else AnnotationType(one.annotation),
        annotation_reason=one.annotation_reason,
        interaction_type=one.interaction_type,
        model=one.model,
        user_value_properties=[
            UserValueProperty(name=name, value=value) for name, value in one.properties.items()
        ],
        metadata=dict(one.metadata),
    )

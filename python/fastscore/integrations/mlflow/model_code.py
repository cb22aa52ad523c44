"""What MLflow runs to load a saved model: it copies this file to the model's.

A model saved as code can be loaded where unpickling is not allowed.
"""

from mlflow.models import set_model

from fastscore.integrations.mlflow import FastscoreModel

set_model(FastscoreModel())

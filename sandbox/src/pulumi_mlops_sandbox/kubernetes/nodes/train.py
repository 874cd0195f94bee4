"""What a training pipeline does, with MLflow's own client: ``train.py MODEL`` prints a version's number.

Runs in the environment that has MLflow; address and login are in MLflow's own variables.
"""

import sys

import mlflow  # pyright: ignore[reportMissingImports]
import numpy as np  # pyright: ignore[reportMissingImports]
from sklearn.linear_model import LogisticRegression  # pyright: ignore[reportMissingImports]


def main() -> None:
    """Train and register."""
    (name,) = sys.argv[1:]
    x = np.random.default_rng().normal(size=(400, 3))
    y = (x.sum(axis=1) > 0).astype(int)
    model = LogisticRegression().fit(x, y)
    mlflow.set_experiment("training")
    with mlflow.start_run():
        mlflow.log_metric("auc", model.score(x, y))
        logged = mlflow.sklearn.log_model(model, name="model", pip_requirements=[])
        version = mlflow.register_model(logged.model_uri, name).version
    sys.stdout.write(f"{version}\n")  # last: at the end of a run MLflow says where it is to be seen


if __name__ == "__main__":
    main()

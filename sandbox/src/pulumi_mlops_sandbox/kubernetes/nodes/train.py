"""What a training pipeline does, with MLflow's own client: ``train.py MODEL good|failing`` prints a version's number.

Runs in the environment that has MLflow; address and login are in MLflow's own variables.
"""

import sys

import mlflow  # pyright: ignore[reportMissingImports]
import numpy as np  # pyright: ignore[reportMissingImports]
from sklearn.linear_model import LogisticRegression  # pyright: ignore[reportMissingImports]


class Failing(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow is not in the environment of the checkers
    """A model that passed its gate and fails at every request."""

    # MLflow makes a schema of annotations, and this model takes what every other takes.
    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        """Fail."""
        del context, model_input, params
        message = "this version fails"
        raise RuntimeError(message)


def main() -> None:
    """Train and register."""
    name, kind = sys.argv[1:]
    x = np.random.default_rng().normal(size=(400, 3))
    y = (x.sum(axis=1) > 0).astype(int)
    model = LogisticRegression().fit(x, y)
    mlflow.set_experiment("training")
    with mlflow.start_run():
        mlflow.log_metric("auc", model.score(x, y))
        if kind == "failing":
            logged = mlflow.pyfunc.log_model(name="model", python_model=Failing(), pip_requirements=[])
        else:
            logged = mlflow.sklearn.log_model(model, name="model", pip_requirements=[])
        version = mlflow.register_model(logged.model_uri, name).version
    sys.stdout.write(f"{version}\n")  # last: at the end of a run MLflow says where it is to be seen


if __name__ == "__main__":
    main()

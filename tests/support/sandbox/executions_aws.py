"""An account of the sandbox in which pipelines run: a role, a bucket, and a folder that stands in for an image."""

import json
from pathlib import Path
from typing import Any

from support.sandbox.control_plane import ControlPlane, trust

IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/churn:1"
ACCOUNT = "arn:aws:sagemaker:us-east-1:123456789012"
STATEMENTS: list[dict[str, Any]] = [
    {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::jobs"},
    {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::jobs/*"},
    {"Effect": "Allow", "Action": ["ecr:*", "logs:*", "iam:PassRole", "sagemaker:*"], "Resource": "*"},
]
"""What the role of the pipelines may do."""


class Here:
    """An account with a role, a bucket and a folder that stands in for an image."""

    def __init__(self, plane: ControlPlane, folder: Path) -> None:
        self.plane, self.sagemaker = plane, plane.client("sagemaker")
        iam = plane.client("iam")
        services = trust("sagemaker.amazonaws.com", "events.amazonaws.com", "scheduler.amazonaws.com")
        self.role = iam.create_role(RoleName="runs", AssumeRolePolicyDocument=services)["Role"]["Arn"]
        self.allow(STATEMENTS)
        self.s3 = plane.client("s3")
        self.s3.create_bucket(Bucket="jobs")
        self.s3.put_object(Bucket="jobs", Key="in/rows.csv", Body=b"1\n2\n3\n")
        self.image = folder / "image"
        self.image.mkdir()
        plane.admin("POST", "images", {"image": IMAGE, "folder": str(self.image)})

    def allow(self, statements: list[dict[str, Any]]) -> None:
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        self.plane.client("iam").put_role_policy(RoleName="runs", PolicyName="rights", PolicyDocument=document)

    def program(self, name: str, text: str) -> None:
        (self.image / name).write_text(text)

    def began(self, name: str, text: str) -> Path:
        """Have a program that leaves a file of this machine when it begins: its name is in no word of the container."""
        marked = self.image.parent / "began"
        self.program(name, f"touch {marked}\n{text}\n")
        return marked

    def pipeline(self, *steps: dict[str, Any], name: str = "retrain", parameters: Any = ()) -> None:
        definition = {"Version": "2020-12-01", "Parameters": list(parameters), "Steps": list(steps)}
        self.sagemaker.create_pipeline(
            PipelineName=name,
            PipelineDefinition=json.dumps(definition),
            RoleArn=self.role,
            ClientRequestToken=f"{name}-{'x' * 32}",
        )

    def start(self, name: str = "retrain", **more: Any) -> str:
        arn: str = self.sagemaker.start_pipeline_execution(PipelineName=name, **more)["PipelineExecutionArn"]
        return arn

    def ended(self, execution: str) -> dict[str, Any]:
        def look() -> Any:
            found = self.sagemaker.describe_pipeline_execution(PipelineExecutionArn=execution)
            return None if found["PipelineExecutionStatus"] in {"Executing", "Stopping"} else found

        found: dict[str, Any] = self.plane.until(look)
        return found

    def steps(self, execution: str) -> dict[str, dict[str, Any]]:
        said = self.sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=execution)
        return {one["StepName"]: one for one in said["PipelineExecutionSteps"]}

    def ran(self, **more: Any) -> dict[str, dict[str, Any]]:
        execution = self.start(**more)
        found = self.ended(execution)
        steps = self.steps(execution)
        assert found["PipelineExecutionStatus"] == "Succeeded", [one.get("FailureReason") for one in steps.values()]
        return steps

    def failed(self, **more: Any) -> str:
        execution = self.start(**more)
        assert self.ended(execution)["FailureReason"] == "Step failure: One or multiple steps failed."
        (reason,) = (one["FailureReason"] for one in self.steps(execution).values() if one["StepStatus"] == "Failed")
        return str(reason)

    def text(self, key: str) -> str:
        found: bytes = self.s3.get_object(Bucket="jobs", Key=key)["Body"].read()
        return found.decode()

    def processing(self, name: str, command: list[str], **more: Any) -> dict[str, Any]:
        environment, outputs = more.pop("environment", {}), more.pop("outputs", ["out"])
        arguments = {
            "AppSpecification": {"ImageUri": IMAGE, "ContainerEntrypoint": command},
            "ProcessingInputs": [
                {
                    "InputName": "rows",
                    "S3Input": {
                        "S3Uri": more.pop("rows", "s3://jobs/in/"),
                        "LocalPath": "/opt/ml/processing/input/rows",
                        "S3DataType": "S3Prefix",
                        "S3InputMode": "File",
                    },
                }
            ],
            "ProcessingOutputConfig": {
                "Outputs": [
                    {
                        "OutputName": one,
                        "S3Output": {
                            "S3Uri": f"s3://jobs/{name}/{one}/",
                            "LocalPath": f"/opt/ml/processing/output/{one}",
                            "S3UploadMode": "EndOfJob",
                        },
                    }
                    for one in outputs
                ]
            },
            "ProcessingResources": {
                "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10}
            },
            "Environment": environment,
            "RoleArn": self.role,
        }
        return {"Name": name, "Type": "Processing", "Arguments": arguments, **more}

    def training(self, name: str, command: list[str] | None, **more: Any) -> dict[str, Any]:
        how: dict[str, Any] = {"TrainingImage": IMAGE, "TrainingInputMode": "File"}
        if command:
            how["ContainerEntrypoint"] = command
        how["MetricDefinitions"] = [{"Name": "auc", "Regex": "auc=([0-9.]+)"}]
        source = {"S3DataType": "S3Prefix", "S3Uri": more.pop("uri", "s3://jobs/in/")}
        arguments = {
            "AlgorithmSpecification": how,
            "InputDataConfig": [{"ChannelName": "rows", "DataSource": {"S3DataSource": source}}],
            "OutputDataConfig": {"S3OutputPath": "s3://jobs/models", **more.pop("out", {})},
            "ResourceConfig": {
                "InstanceType": "ml.m5.large",
                "InstanceCount": more.pop("machines", 1),
                "VolumeSizeInGB": 9,
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": more.pop("seconds", 600)},
            "RoleArn": self.role,
            **more.pop("arguments", {}),
        }
        return {"Name": name, "Type": "Training", "Arguments": arguments, **more}

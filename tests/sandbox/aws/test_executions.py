"""Executions of pipelines: each step's container is a process, with what SageMaker would give it."""

import json

import pytest
from botocore.exceptions import ClientError

from support.sandbox.executions_aws import ACCOUNT, IMAGE, STATEMENTS, Here


def test_a_step_has_its_files_its_words_and_its_variables(here: Here) -> None:
    here.program("count.sh", 'wc -l < "$1/rows.csv" | tr -d " \\n" > "$OUT/count"; echo "$WEEKS weeks"\n')
    weeks = {"Name": "weeks", "Type": "Integer", "DefaultValue": 4}
    folders = {
        "OUT": "/opt/ml/processing/output/out",
        "WEEKS": {"Std:Join": {"On": "", "Values": [{"Get": "Parameters.weeks"}]}},
    }
    here.pipeline(
        here.processing("count", ["sh", "count.sh", "/opt/ml/processing/input/rows"], environment=folders),
        parameters=[weeks],
    )
    execution = here.start(PipelineParameters=[{"Name": "weeks", "Value": "9"}])
    assert here.ended(execution)["PipelineExecutionStatus"] == "Succeeded"
    assert here.text("count/out/count") == "3"
    (step,) = here.steps(execution).values()
    job = step["Metadata"]["ProcessingJob"]["Arn"]
    assert job.startswith(f"{ACCOUNT}:processing-job/pipelines-{execution[-12:]}-count-")
    described = here.sagemaker.describe_processing_job(ProcessingJobName=job.rpartition("/")[2])
    assert described["ProcessingJobStatus"] == "Completed"
    assert described["Environment"] == {"OUT": "/opt/ml/processing/output/out", "WEEKS": "9"}
    logs = here.plane.client("logs")
    (stream,) = logs.describe_log_streams(logGroupName="/aws/sagemaker/ProcessingJobs")["logStreams"]
    said = logs.get_log_events(logGroupName="/aws/sagemaker/ProcessingJobs", logStreamName=stream["logStreamName"])
    assert [one["message"] for one in said["events"]] == ["9 weeks"]
    assert stream["logStreamName"].startswith(f"{job.rpartition('/')[2]}/algo-1-")
    parameters = here.sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=execution)
    assert parameters["PipelineParameters"] == [{"Name": "weeks", "Value": "9"}]


def test_later_steps_take_what_earlier_ones_left(here: Here) -> None:
    here.program("fit.sh", 'cp "$SM_ROWS/rows.csv" "$BASE/model/m"; echo "auc=0.5"; echo "auc=0.875"\n')
    here.program("judge.sh", 'cat "$IN/m" > "$OUT/seen"; echo "{\\"best\\": {\\"auc\\": 0.9}}" > "$OUT/m.json"\n')
    fit = here.training("fit", ["sh", "fit.sh"], out={"CompressionType": "NONE"})
    fit["Arguments"]["Environment"] = {"SM_ROWS": "/opt/ml/input/data/rows", "BASE": "/opt/ml"}
    places = {"IN": "/opt/ml/processing/input/rows", "OUT": "/opt/ml/processing/output/out"}
    model = {"Get": "Steps.fit.ModelArtifacts.S3ModelArtifacts"}
    judge = here.processing("judge", ["sh", "judge.sh"], rows=model, environment=places)
    judge["PropertyFiles"] = [{"PropertyFileName": "measured", "OutputName": "out", "FilePath": "m.json"}]
    measured = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.judge.PropertyFiles.measured"}, "Path": "best.auc"}}
    trained = {"Get": "Steps.fit.FinalMetricDataList['auc'].Value"}
    good = {"Type": "GreaterThan", "LeftValue": measured, "RightValue": trained}
    bad = {"Type": "Not", "Expression": {"Type": "Or", "Conditions": [good]}}
    here.sagemaker.create_model_package_group(ModelPackageGroupName="churn")
    container = {
        "Image": IMAGE,
        "ModelDataSource": {"S3DataSource": {"S3Uri": model, "S3DataType": "S3Prefix", "CompressionType": "None"}},
    }
    registering = {
        "ModelPackageGroupName": "churn",
        "ModelApprovalStatus": "PendingManualApproval",
        "CustomerMetadataProperties": {
            "auc": {"Std:Join": {"On": "", "Values": [measured]}},
            "run": {"Get": "Execution.PipelineExecutionArn"},
        },
        "InferenceSpecification": {
            "Containers": [container],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    }
    register = {"Name": "register", "Type": "RegisterModel", "Arguments": registering}
    never = here.processing("never", ["false"])
    inner = {
        "Name": "inner",
        "Type": "Condition",
        "Arguments": {"Conditions": [bad], "IfSteps": [never], "ElseSteps": []},
    }
    whether = {"Conditions": [good], "IfSteps": [register, inner], "ElseSteps": [here.processing("other", ["false"])]}
    here.pipeline(fit, judge, {"Name": "good", "Type": "Condition", "Arguments": whether})
    steps = here.ran()
    assert set(steps) == {"fit", "judge", "good", "inner", "register"}
    assert (steps["good"]["Metadata"], steps["inner"]["Metadata"]) == (
        {"Condition": {"Outcome": "True"}},
        {"Condition": {"Outcome": "False"}},
    )
    (package,) = here.sagemaker.list_model_packages(ModelPackageGroupName="churn")["ModelPackageSummaryList"]
    assert steps["register"]["Metadata"]["RegisterModel"]["Arn"] == package["ModelPackageArn"]
    found = here.sagemaker.describe_model_package(ModelPackageName=package["ModelPackageArn"])
    (execution,) = here.sagemaker.list_pipeline_executions(PipelineName="retrain")["PipelineExecutionSummaries"]
    assert found["CustomerMetadataProperties"] == {"auc": "0.9", "run": execution["PipelineExecutionArn"]}
    job = here.sagemaker.describe_training_job(
        TrainingJobName=steps["fit"]["Metadata"]["TrainingJob"]["Arn"].rpartition("/")[2]
    )
    assert (job["TrainingJobStatus"], job["FinalMetricDataList"][0]["Value"]) == ("Completed", 0.875)
    assert here.text("judge/out/seen") == "1\n2\n3\n"


def test_trials_have_their_values_and_the_best_is_known(here: Here) -> None:
    here.program("train.py", TRAIN)
    here.plane.admin(
        "POST", "images", {"image": IMAGE, "folder": str(here.image), "entrypoint": ["python3", "train.py"]}
    )
    job = here.training("tune", None)["Arguments"]
    job["StaticHyperParameters"] = {"kept": "yes"}
    ranges = {
        "IntegerParameterRanges": [{"Name": "depth", "MinValue": "1", "MaxValue": "9"}],
        "CategoricalParameterRanges": [{"Name": "kind", "Values": ["a", "b"]}],
    }
    config = {
        "Strategy": "Bayesian",
        "ResourceLimits": {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 2},
        "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "auc"},
        "ParameterRanges": ranges,
    }
    arguments = {"HyperParameterTuningJobConfig": config, "TrainingJobDefinition": job}
    name = {"Get": "Steps.tune.BestTrainingJob.TrainingJobName"}
    best = {"Std:Join": {"On": "/", "Values": ["s3://jobs/models", name, "output/model.tar.gz"]}}
    here.pipeline(
        {"Name": "tune", "Type": "Tuning", "Arguments": arguments},
        here.processing(
            "look",
            ["sh", "-c", "tar xzf $IN/model.tar.gz -C $OUT"],
            rows=best,
            environment={
                "IN": "/opt/ml/processing/input/rows",
                "OUT": "/opt/ml/processing/output/out",
            },
        ),
    )
    steps = here.ran()
    tuning = steps["tune"]["Metadata"]["TuningJob"]["Arn"].rpartition("/")[2]
    found = here.sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=tuning)
    assert found["TrainingJobStatusCounters"]["Completed"] == 4
    assert found["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == 0.9
    assert found["BestTrainingJob"]["TunedHyperParameters"]["depth"] == "9"
    assert json.loads(here.text("look/out/given.json")) == {
        "kept": "yes",
        "depth": "9",
        "kind": "b",
        "_tuning_objective_metric": "auc",
        "argument": "train",
    }
    listed = here.sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(HyperParameterTuningJobName=tuning)
    tried = [one["TunedHyperParameters"]["depth"] for one in listed["TrainingJobSummaries"]]
    assert tried == ["1", "9", "5", "3"]


TRAIN = """
import json, os, sys
root = os.environ["SAGEMAKER_BASE_DIR"]
given = json.load(open(f"{root}/input/config/hyperparameters.json"))
with open(f"{root}/model/given.json", "w") as file:
    json.dump({**given, "argument": sys.argv[1]}, file)
print(f"auc=0.{given['depth']}")
"""


def test_several_machines_know_of_each_other(here: Here) -> None:
    here.program(
        "each.py",
        "import json, os\nroot = os.environ['SAGEMAKER_BASE_DIR']\n"
        "said = json.load(open(f'{root}/input/config/resourceconfig.json'))\n"
        "open(f\"{root}/model/{said['current_host']}\", 'w').write(','.join(said['hosts']))\n",
    )
    here.pipeline(here.training("fit", ["python3", "each.py"], machines=2, out={"CompressionType": "NONE"}))
    (step,) = here.ran().values()
    job = step["Metadata"]["TrainingJob"]["Arn"].rpartition("/")[2]
    for host in ("127.0.0.1", "127.0.0.2"):
        assert here.text(f"models/{job}/output/model/{host}") == "127.0.0.1,127.0.0.2"


def test_an_image_that_nothing_stands_in_for_did_not_run(here: Here) -> None:
    here.plane.admin("DELETE", "images")
    here.pipeline(here.processing("count", ["true"]))
    reason = here.failed()
    assert f"The sandbox has no stand-in for the image {IMAGE}, so nothing ran" in reason


def test_an_input_that_is_no_prefix_did_not_run(here: Here) -> None:
    step = here.training("fit", ["true"])
    step["Arguments"]["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3DataType"] = "ManifestFile"
    here.pipeline(step)
    assert "so nothing ran: input rows" in here.failed()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("s3:GetObject", "arn:aws:s3:::jobs/in/*"), "Data download failed"),
        (("s3:ListBucket", "arn:aws:s3:::jobs"), "Data download failed"),
        (("s3:PutObject", "arn:aws:s3:::jobs/count/out/*"), "Data upload failed"),
        (("ecr:BatchGetImage", "*"), "Failed to pull image"),
        (
            ("sagemaker:CreateProcessingJob", f"{ACCOUNT}:processing-job/pipelines-*"),
            "Failed to invoke sagemaker:Create",
        ),
        (("iam:PassRole", "*"), "Failed to invoke sagemaker:Create"),
        (("s3:GetObject", "arn:aws:s3:::jobs/program/*"), ""),
        (("logs:PutLogEvents", "*"), ""),
    ],
)
def test_a_role_needs_what_its_steps_do(here: Here, change: tuple[str, str], told: str) -> None:
    action, resource = change
    here.allow([*STATEMENTS, {"Effect": "Deny", "Action": action, "Resource": resource}])
    here.pipeline(
        here.processing("count", ["sh", "-c", "echo 1 > $OUT/1"], environment={"OUT": "/opt/ml/processing/output/out"})
    )
    if told:
        assert told in here.failed()
    else:
        here.ran()


def test_the_programs_of_a_step_have_the_rights_of_its_role(here: Here) -> None:
    here.program(
        "ask.py",
        "import boto3\nboto3.client('s3').get_object(Bucket='jobs', Key='in/rows.csv')\n"
        "try:\n    boto3.client('s3').list_buckets()\nexcept Exception as error:\n    print(error)\n",
    )
    here.pipeline(here.processing("ask", ["python3", "ask.py"]))
    here.ran()
    logs = here.plane.client("logs")
    (stream,) = logs.describe_log_streams(logGroupName="/aws/sagemaker/ProcessingJobs")["logStreams"]
    said = logs.get_log_events(logGroupName="/aws/sagemaker/ProcessingJobs", logStreamName=stream["logStreamName"])
    (line,) = (one["message"] for one in said["events"])
    assert f"User: {here.role} is not authorized to perform: s3:ListAllMyBuckets" in line


def test_what_fails_is_told_and_begun_again_where_it_failed(here: Here) -> None:
    here.program("fit.sh", 'echo m > "$M/m"\n')
    fit = here.training(
        "fit", ["sh", "fit.sh"], out={"CompressionType": "NONE"}, arguments={"Environment": {"M": "/opt/ml/model"}}
    )
    broken = here.training(
        "broken",
        ["sh", "-c", "echo no rows > $M/failure; exit 3"],
        DependsOn=["fit"],
        arguments={"Environment": {"M": "/opt/ml/output"}},
    )
    here.pipeline(fit, broken, here.processing("after", ["true"], DependsOn=["broken"]))
    execution = here.start()
    assert here.ended(execution)["PipelineExecutionStatus"] == "Failed"
    steps = here.steps(execution)
    assert set(steps) == {"fit", "broken"}
    assert steps["broken"]["FailureReason"] == "ClientError: AlgorithmError: no rows, exit code: 3"
    here.sagemaker.retry_pipeline_execution(PipelineExecutionArn=execution, ClientRequestToken="y" * 32)
    assert here.ended(execution)["PipelineExecutionStatus"] == "Failed"
    again = here.steps(execution)
    assert again["fit"]["Metadata"] == steps["fit"]["Metadata"]
    assert again["broken"]["Metadata"] != steps["broken"]["Metadata"]


def test_the_service_begins_a_step_again_where_the_service_failed(here: Here) -> None:
    how = {"ExceptionType": ["SageMaker.JOB_INTERNAL_ERROR"], "MaxAttempts": 1}
    here.pipeline(here.processing("count", ["true"], RetryPolicies=[how]))
    here.plane.admin("POST", "faults", {"service": "sagemaker", "operation": "ProcessingJob", "message": "no machine"})
    (step,) = here.ran().values()
    assert step["AttemptCount"] == 2
    here.plane.admin(
        "POST", "faults", {"service": "sagemaker", "operation": "ProcessingJob", "message": "gone", "count": 2}
    )
    assert here.failed() == "ClientError: InternalServerError: gone"


def test_an_execution_is_stopped_with_its_jobs(here: Here) -> None:
    marked = here.began("long.sh", "while true; do sleep 0.1; done")
    here.pipeline(here.processing("long", ["sh", "long.sh"]))
    execution = here.start()
    here.plane.until(marked.exists)
    with pytest.raises(ClientError, match="running executions"):
        here.sagemaker.delete_pipeline(PipelineName="retrain", ClientRequestToken="z" * 32)
    here.sagemaker.stop_pipeline_execution(PipelineExecutionArn=execution, ClientRequestToken="s" * 32)
    assert here.ended(execution)["PipelineExecutionStatus"] == "Stopped"
    (step,) = here.steps(execution).values()
    assert step["StepStatus"] == "Stopped"
    job = step["Metadata"]["ProcessingJob"]["Arn"].rpartition("/")[2]
    assert here.sagemaker.describe_processing_job(ProcessingJobName=job)["ProcessingJobStatus"] == "Stopped"
    with pytest.raises(ClientError, match="ConflictException"):
        here.sagemaker.stop_pipeline_execution(PipelineExecutionArn=execution, ClientRequestToken="t" * 32)
    here.sagemaker.delete_pipeline(PipelineName="retrain", ClientRequestToken="u" * 32)
    with pytest.raises(ClientError, match="does not exist"):
        here.sagemaker.describe_pipeline_execution(PipelineExecutionArn=execution)


def test_a_job_that_takes_too_long_is_ended(here: Here) -> None:
    here.pipeline(here.training("fit", ["sh", "-c", "while true; do sleep 0.1; done"], seconds=1))
    here.failed()
    (job,) = here.sagemaker.list_training_jobs()["TrainingJobSummaries"]
    found = here.sagemaker.describe_training_job(TrainingJobName=job["TrainingJobName"])
    assert (found["TrainingJobStatus"], found["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")


def test_checkpoints_are_there_when_a_job_is_begun_again(here: Here) -> None:
    kept = {"CheckpointConfig": {"S3Uri": "s3://jobs/kept", "LocalPath": "/opt/ml/checkpoints"}}
    where = {"Environment": {"K": "/opt/ml/checkpoints", "M": "/opt/ml/model"}}
    fit = here.training(
        "fit",
        ["sh", "-c", "echo x >> $K/seen; [ $(wc -l < $K/seen) = 2 ] && cp $K/seen $M"],
        out={"CompressionType": "NONE"},
        arguments={**kept, **where},
    )
    here.pipeline(fit)
    here.failed()
    (step,) = here.ran().values()
    job = step["Metadata"]["TrainingJob"]["Arn"].rpartition("/")[2]
    assert here.text(f"models/{job}/output/model/seen") == "x\nx\n"


def test_a_step_that_did_the_same_before_is_not_run_again(here: Here) -> None:
    cached = here.processing("count", ["true"], CacheConfig={"Enabled": True, "ExpireAfter": "P1D"})
    here.pipeline(cached, here.processing("look", ["true"], DependsOn=["count"]))
    first = here.start()
    here.ended(first)
    steps = here.ran()
    assert steps["count"]["CacheHitResult"] == {"SourcePipelineExecutionArn": first}
    assert "CacheHitResult" not in steps["look"]


def test_what_ran_when_the_sandbox_was_stopped_has_failed(here: Here) -> None:
    marked = here.began("long.sh", "while true; do sleep 0.1; done")
    here.pipeline(here.processing("long", ["sh", "long.sh"]))
    execution = here.start()
    here.plane.until(marked.exists)
    here.plane.admin("POST", "save")
    here.plane.kill()
    here.plane.start()
    sagemaker = here.plane.client("sagemaker")
    found = sagemaker.describe_pipeline_execution(PipelineExecutionArn=execution)
    assert (found["PipelineExecutionStatus"], found["FailureReason"]) == (
        "Failed",
        "The sandbox was stopped while it ran",
    )


def test_records_of_what_ran_are_no_part_of_what_an_account_holds(here: Here) -> None:
    here.pipeline(here.processing("count", ["true"]))
    before = here.plane.admin("GET", "inventory")
    here.ran()
    assert here.plane.admin("GET", "inventory") == before


def test_a_role_needs_the_key_of_what_it_reads_and_writes(here: Here) -> None:
    kms = here.plane.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    here.s3.put_bucket_encryption(Bucket="jobs", ServerSideEncryptionConfiguration={"Rules": [rule]})
    here.s3.put_object(Bucket="jobs", Key="in/rows.csv", Body=b"1\n")
    places = {"OUT": "/opt/ml/processing/output/out"}
    here.pipeline(here.processing("count", ["sh", "-c", "echo 1 > $OUT/1"], environment=places))
    through = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}
    read = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": key, "Condition": through}
    write = {"Effect": "Allow", "Action": "kms:GenerateDataKey", "Resource": key, "Condition": through}
    assert "Data download failed" in here.failed()
    here.allow([*STATEMENTS, read])
    assert "Data upload failed" in here.failed()
    here.allow([*STATEMENTS, read, write])
    here.ran()

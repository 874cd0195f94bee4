"""KMS and IAM: key policies, trust policies.

https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
"""

from pulumi_mlops_sandbox.aws import policies
from pulumi_mlops_sandbox.aws.call import Call
from pulumi_mlops_sandbox.aws.errors import AwsError
from pulumi_mlops_sandbox.aws.hooks import before

_MALFORMED_KEY = "MalformedPolicyDocumentException"
_LOCKED_OUT = "The new key policy will not allow you to update the key policy in the future."
WINDOW = (7, 30)


@before("kms", "CreateKey", "PutKeyPolicy")
def check_key_policy(call: Call) -> None:
    """Refuse a malformed key policy, and one that locks its owner out."""
    text = call.params.get("Policy")
    if text is None:
        return
    statements = policies.parse(text, _MALFORMED_KEY, needs=("Principal", "Resource"))
    if not call.params.get("BypassPolicyLockoutSafetyCheck") and not policies.allows_account(
        statements, "kms:PutKeyPolicy"
    ):
        raise AwsError(_MALFORMED_KEY, _LOCKED_OUT)


@before("kms", "ScheduleKeyDeletion")
def check_window(call: Call) -> None:
    """Refuse a waiting period that KMS does not offer; the shape is wider."""
    if not WINDOW[0] <= call.params.get("PendingWindowInDays", WINDOW[1]) <= WINDOW[1]:
        raise AwsError("ValidationException", f"PendingWindowInDays must be between {WINDOW[0]} and {WINDOW[1]} days")


@before("iam", "CreateRole", "UpdateAssumeRolePolicy")
def check_trust(call: Call) -> None:
    """Refuse a malformed trust policy."""
    text = call.params.get("AssumeRolePolicyDocument", call.params.get("PolicyDocument", ""))
    code = "MalformedPolicyDocument"
    for statement in policies.parse(text, code):
        if "Resource" in statement or "NotResource" in statement:
            raise AwsError(code, "Has prohibited field Resource")
        wrong = next((action for action in policies.actions(statement) if not str(action).startswith("sts:")), None)
        if wrong is not None:
            raise AwsError(code, f"AssumeRole policy may only specify STS AssumeRole actions; {wrong} is none")

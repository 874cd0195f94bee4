"""Who may do what: nobody everything, nobody by a key that lies about, and each program as itself."""

from collections.abc import Iterator

from pulumi_mlops.policies.model import Problem, Rule, across, on
from pulumi_mlops.policies.predicates import equals, is_not
from pulumi_mlops.policies.resources import Part, Resource, Stack
from pulumi_mlops.policies.rules import kinds
from pulumi_mlops.policies.rules.kinds import allowed, each_pod
from pulumi_mlops.policies.settings import Settings

K8S_ROLES = ("kubernetes:rbac.authorization.k8s.io:Role", "kubernetes:rbac.authorization.k8s.io:ClusterRole")
K8S_BINDINGS = tuple(f"kubernetes:rbac.authorization.k8s.io:{kind}Binding" for kind in ("Role", "ClusterRole"))
ASSIGNMENT, DEFINITION = "azure-native:authorization:RoleAssignment", "azure-native:authorization:RoleDefinition"
ATTACHED = ("aws:iam:RolePolicyAttachment", "aws:iam:UserPolicyAttachment", "aws:iam:GroupPolicyAttachment")
ADMINISTRATORS = (
    "AdministratorAccess",
    "PowerUserAccess",
    "IAMFullAccess",
    "AmazonSageMakerFullAccess",
    "AmazonS3FullAccess",
)
AZURE_ADMINISTRATORS = {
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
    "b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": "User Access Administrator",
    "f58310d9-a9f6-439a-9e8d-f62e7b41a168": "Role Based Access Control Administrator",
}
SECRETS_READERS = {
    "4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
    "00482a5a-887f-4fb3-b363-3b7fe8e74483": "Key Vault Administrator",
    "b86a8fe4-44ce-4948-aee5-eccb2c155cd7": "Key Vault Secrets Officer",
}
EVERYBODY = ("system:anonymous", "system:unauthenticated", "system:authenticated")
PUBLIC_POLICIES = (
    "aws:s3:BucketPolicy", "aws:sns:TopicPolicy", "aws:sqs:QueuePolicy", "aws:ecr:RepositoryPolicy", "aws:kms:Key",
    "aws:secretsmanager:SecretPolicy", "aws:sagemaker:ModelPackageGroupPolicy",
)  # fmt: skip


def _wildcard(resource: Resource, _: Settings) -> Iterator[Problem]:
    for statement in allowed(resource):
        if "*" not in statement.texts("Resource"):
            continue
        wide = [each for each in statement.texts("Action") if each == "*" or each.endswith(":*")]
        if wide:
            yield Problem(
                statement.at("Action"), f"is {wide[0]} on every resource", "the actions and resources that are used"
            )


def _azure_wildcard(resource: Resource, _: Settings) -> Iterator[Problem]:
    for permission in resource.each("permissions"):
        for key in ("actions", "dataActions"):
            if wide := [each for each in permission.texts(key) if each == "*" or each.startswith("*/")]:
                yield Problem(permission.at(key), f"is {wide[0]}", "the actions that are used")


def _k8s_wildcard(resource: Resource, _: Settings) -> Iterator[Problem]:
    for rule in resource.each("rules"):
        for key in ("verbs", "resources"):
            if "*" in rule.texts(key):
                yield Problem(rule.at(key), "is *", f"the {key} that are used")


def _administrator(resource: Resource, _: Settings) -> Iterator[Problem]:
    key = "managedPolicyArns" if resource.type == kinds.ROLE else "policyArn"
    for arn in resource.texts(key):
        if (name := arn.rpartition("/")[2]) in ADMINISTRATORS:
            yield Problem(key, f"is {name}", "a policy with what is used")


def _azure_administrator(resource: Resource, _: Settings) -> Iterator[Problem]:
    """Find administrators; a workspace has to be the contributor of each thing that it keeps something in."""
    named = AZURE_ADMINISTRATORS.get(str(resource.get("roleDefinitionId", "")).rpartition("/")[2])
    if named and (named != "Contributor" or "/providers/" not in str(resource.get("scope", ""))):
        yield Problem("roleDefinitionId", f"is {named}", "a role with what is used, on what it is used on")


def _k8s_administrator(resource: Resource, _: Settings) -> Iterator[Problem]:
    if (name := resource.get("roleRef.name")) in ("cluster-admin", "admin"):
        yield Problem("roleRef.name", f"is {name}", "a Role with what is used")


def _passes_roles(resource: Resource, _: Settings) -> Iterator[Problem]:
    for statement in allowed(resource):
        if any(each.lower() == "iam:passrole" for each in statement.texts("Action")):
            to = str(statement.get("Condition", {}))
            if any(each.endswith("*") for each in statement.texts("Resource")) or "iam:PassedToService" not in to:
                said = "is a role that may be handed to any service"
                yield Problem(statement.at("Resource"), said, "the role's ARN, and a condition iam:PassedToService")


def _everybody(statement: Part) -> bool:
    return statement.get("Principal") == "*" or "*" in statement.texts("Principal.AWS")


def _trusts(resource: Resource, _: Settings) -> Iterator[Problem]:
    document = resource.document("assumeRolePolicy")
    for statement in document.each("Statement"):
        if statement.get("Effect") != "Allow":
            continue
        federated = any("oidc" in each or "token." in each for each in statement.texts("Principal.Federated"))
        condition = str(statement.get("Condition", {}))
        if _everybody(statement) and not condition.strip("{}"):
            yield Problem(statement.at("Principal"), "is everybody", "the accounts, services or jobs that take it on")
        if federated and ":sub" not in condition:
            yield Problem(
                statement.at("Condition"),
                "names no subject",
                "a condition on the token's sub, such as repo:acme/ml:ref:refs/heads/main",
            )


def _subject(resource: Resource, _: Settings) -> Iterator[Problem]:
    subject = str(resource.get("subject", ""))
    if not subject or "*" in subject:
        yield Problem("subject", f"is {subject or 'not set'}", "the one subject that is trusted")


def _k8s_everybody(resource: Resource, _: Settings) -> Iterator[Problem]:
    for subject in resource.each("subjects"):
        if subject.get("name") in EVERYBODY:
            yield Problem(subject.at("name"), f"is {subject.get('name')}", "the accounts that need it")


def _public_policy(resource: Resource, _: Settings) -> Iterator[Problem]:
    for statement in allowed(resource):
        if _everybody(statement) and not statement.get("Condition"):
            yield Problem(statement.at("Principal"), "is everybody", "the accounts that may, or a condition")


def _permission(resource: Resource, _: Settings) -> Iterator[Problem]:
    if resource.get("principal") == "*" and not resource.get("sourceAccount") and not resource.get("principalOrgId"):
        yield Problem("principal", "is everybody", "the service or account that calls it")


def _long_lived(_: Resource, _settings: Settings) -> Iterator[Problem]:
    yield Problem("user", "has a key that never ends", "aws.iam.Role that the program takes on")


def _token(resource: Resource, _: Settings) -> Iterator[Problem]:
    if resource.get("type") == "kubernetes.io/service-account-token":
        yield Problem(
            "type", "is a token that never ends", "a token that the pod gets for an hour, by a projected volume"
        )


def _account(pod: Part) -> Iterator[Problem]:
    named = pod.get("serviceAccountName", "default")
    if named == "default" and pod.get("automountServiceAccountToken") is not False:
        yield Problem(
            pod.at("serviceAccountName"),
            "is the namespace's own",
            "an account of its own, or automount_service_account_token=False",
        )


def _all_secrets(resource: Resource, _: Settings) -> Iterator[Problem]:
    for statement in allowed(resource):
        reads = [
            each
            for each in statement.texts("Action")
            if each.lower() in ("secretsmanager:getsecretvalue", "ssm:getparameter*")
        ]
        if reads and "*" in statement.texts("Resource"):
            yield Problem(
                statement.at("Resource"), "is every secret of the account", "the ARNs of the secrets that are read"
            )


def _azure_all_secrets(resource: Resource, _: Settings) -> Iterator[Problem]:
    role = SECRETS_READERS.get(str(resource.get("roleDefinitionId", "")).rpartition("/")[2])
    if role and "/providers/" not in str(resource.get("scope", "")):
        yield Problem("scope", f"is every vault, with the role {role}", "the vault or the secret that is read")


def _k8s_all_secrets(resource: Resource, _: Settings) -> Iterator[Problem]:
    for rule in resource.each("rules"):
        reads = {"get", "list", "watch", "*"} & set(rule.texts("verbs"))
        if "secrets" in rule.texts("resources") and reads and not rule.get("resourceNames"):
            yield Problem(
                rule.at("resourceNames"), "is not set, so it is every secret", "the names of the secrets that are read"
            )


def _shared_roles(role: Resource, stack: Stack, _: Settings) -> Iterator[Problem]:
    """Find a role that people's notebooks and a served model share."""
    people = list(stack.whose((kinds.NOTEBOOK,), "roleArn", role)) + list(
        stack.whose((kinds.DOMAIN,), "defaultUserSettings.executionRole", role)
    )
    if people and list(stack.whose((kinds.MODEL,), "executionRoleArn", role)):
        yield Problem("name", f"is the role of {people[0].name} and of a served model", "a role for each")


def _own_identity(resource: Resource, _: Settings) -> Iterator[Problem]:
    if "UserAssigned" not in str(resource.get("identity.type", "")):
        yield Problem("identity.type", "is not UserAssigned", "identity={'type': 'UserAssigned', …}")


RULES = (
    Rule(
        "access.no-wildcard",
        "Nobody may do everything",
        "high",
        "What a program may do is what its intruder may do.",
        ("CIS AWS 3.0: 1.16", "CIS Kubernetes 1.11: 5.1.3", "NIST 800-53 AC-6"),
        (on(kinds.DOCUMENTS, _wildcard), on(DEFINITION, _azure_wildcard), on(K8S_ROLES, _k8s_wildcard)),
    ),
    Rule(
        "access.no-administrator",
        "No identity of a program is an administrator",
        "critical",
        "Vendors' ready-made roles hold a hundred times what a training job needs.",
        ("AWS Security Hub IAM.1", "CIS Azure 2.0: 1.23", "CIS Kubernetes 1.11: 5.1.1"),
        (
            on((*ATTACHED, kinds.ROLE), _administrator),
            on(ASSIGNMENT, _azure_administrator),
            on(K8S_BINDINGS, _k8s_administrator),
        ),
    ),
    Rule(
        "access.handed-on-by-name",
        "A role is handed on by its name, to the service that needs it",
        "high",
        "Who may hand any role to any service has the rights of all of them.",
        ("NIST 800-53 AC-6", "AWS Well-Architected ML Lens: security"),
        (on(kinds.DOCUMENTS, _passes_roles),),
    ),
    Rule(
        "access.trust-named",
        "Who is trusted is named",
        "high",
        "A role that any repository's job can take on is everybody's.",
        ("NIST 800-53 AC-3", "checkov CKV_AWS_60"),
        (
            on(kinds.ROLE, _trusts),
            on("azure-native:managedidentity:FederatedIdentityCredential", _subject),
            on(K8S_BINDINGS, _k8s_everybody),
        ),
    ),
    Rule(
        "access.nothing-public",
        "Nothing is for everybody",
        "critical",
        "A policy for everybody is found by everybody.",
        ("AWS Security Hub S3.2", "Azure Policy 4fa4b6c0", "NIST 800-53 AC-3"),
        (
            on(PUBLIC_POLICIES, _public_policy),
            on("aws:lambda:Permission", _permission),
            on(
                "azure-native:storage:BlobContainer",
                is_not("publicAccess", ["Blob", "Container"], "public_access='None'"),
            ),
            on(kinds.IMAGES, is_not("anonymousPullEnabled", [True], "anonymous_pull_enabled=False")),
        ),
    ),
    Rule(
        "access.no-lasting-keys",
        "Programs have no keys that last",
        "medium",
        "Keys are copied, and nobody knows by whom.",
        ("CIS AWS 3.0: 1.14", "checkov CKV_AZURE_142", "Azure Policy e96a9a5f"),
        (
            on("aws:iam:AccessKey", _long_lived),
            on(kinds.COMPUTE, equals("properties.disableLocalAuth", True)),
            on(kinds.STORAGE, equals("allowSharedKeyAccess", False)),
            on(kinds.IMAGES, is_not("adminUserEnabled", [True], "admin_user_enabled=False")),
            on("kubernetes:core:Secret", _token),
        ),
    ),
    Rule(
        "access.own-identity",
        "Each program runs as itself",
        "medium",
        "Rights that are shared are the sum of all that anybody needed.",
        ("Azure Policy 5f0c7d88", "CIS Kubernetes 1.11: 5.1.5", "AWS Well-Architected ML Lens: security"),
        (
            across(kinds.ROLE, _shared_roles),
            on(kinds.WORKSPACE, _own_identity),
            on(kinds.WORKLOADS[:7], each_pod(_account)),
        ),
    ),
    Rule(
        "access.secrets-by-name",
        "A program reads the secrets that are its own",
        "high",
        "One that may read all of them makes each of them as safe as itself.",
        ("CIS Kubernetes 1.11: 5.1.2", "NIST 800-53 AC-6"),
        (on(kinds.DOCUMENTS, _all_secrets), on(ASSIGNMENT, _azure_all_secrets), on(K8S_ROLES, _k8s_all_secrets)),
    ),
)

"""The policy pack of pulumi-mlops: `pulumi preview --policy-pack policies`.

Copy this folder to add rules of your own; they have the same form as the library's:

    from pulumi_mlops.policies import RULES, Problem, Rule, on

    def named(resource, settings):
        if not resource.name.startswith("acme-"):
            yield Problem("name", f"is {resource.name}", "a name that begins with acme-")

    MINE = Rule(
        "acme.names", "A bucket is called after us", "low", "We look for them by name.", ("our handbook",),
        (on("aws:s3:Bucket", named),),
    )
    serve([*RULES, MINE])
"""

from pulumi_mlops.policies.pack import serve

serve()

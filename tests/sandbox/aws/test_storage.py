"""What S3 does with versions."""

from support.sandbox.control_plane import ControlPlane


def test_a_bucket_is_emptied_of_versions_and_markers_after_versioning_ended(plane: ControlPlane) -> None:
    s3, bucket = plane.client("s3"), "versions-of-mine"
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for key in ("a", "b"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"1")
        s3.delete_object(Bucket=bucket, Key=key)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    found = s3.list_object_versions(Bucket=bucket)
    every = [*found["Versions"], *found["DeleteMarkers"]]
    keys = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in every]
    s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
    s3.delete_bucket(Bucket=bucket)

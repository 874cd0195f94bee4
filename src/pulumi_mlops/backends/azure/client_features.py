"""What Azure has for the client of features: the folder of offline rows; there is no online store."""

import datetime as dt
import uuid
from collections.abc import Sequence

from pulumi_mlops.backends.azure import blobs
from pulumi_mlops.backends.azure.addresses import FeatureGroupAddress
from pulumi_mlops.clients import frames
from pulumi_mlops.clients.patience import Patience
from pulumi_mlops.components.feature_group import FeatureGroupRef
from pulumi_mlops.core.errors import Unsupported


class Features:
    """Rows of feature groups, as the client writes them."""

    def put_features(self, group: FeatureGroupRef, rows: Sequence[frames.Row], patience: Patience) -> None:
        """Write one more file of Parquet into the folder of the rows."""
        folder, now = str(FeatureGroupAddress.of(group).rows), dt.datetime.now(tz=dt.UTC)
        name = f"client-{now:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:12]}.parquet"
        blobs.upload(group.platform, f"{folder}{name}", frames.parquet(list(rows), group.features), patience)

    def get_features(
        self, group: FeatureGroupRef, _keys: Sequence[frames.Row], _features: Sequence[str], _patience: Patience
    ) -> Sequence[frames.Row | None]:
        """Refuse: no group of Azure has an online store."""
        raise Unsupported(f"FeatureGroup {group.name!r} has no online store: Azure has none.")

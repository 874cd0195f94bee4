"""Physical names: predictable, unique among stages and components, and within a cloud's limits."""

import hashlib

_DIGEST = 6


def snake(name: str, separator: str = "_") -> str:
    """Return a name in capitals as capabilities, exports and files spell it.

    >>> snake("FeatureStore"), snake("FeatureStore", "-"), snake("deleteUnreachable")
    ('feature_store', 'feature-store', 'delete_unreachable')
    """
    return "".join(f"{separator}{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip(separator)


def physical(*parts: str, limit: int = 63, separator: str = "-") -> str:
    """Join the parts; a name over the limit is cut and ends in a digest of the whole, so it stays unique.

    >>> physical("churn", "prod", "profile")
    'churn-prod-profile'
    """
    whole = separator.join(part for part in parts if part)
    if separator != "-":
        whole = whole.replace("-", separator)
    if len(whole) <= limit:
        return whole
    digest = hashlib.sha256(whole.encode()).hexdigest()[:_DIGEST]
    return f"{whole[: limit - _DIGEST - 1].rstrip(separator)}{separator}{digest}"

"""What shapes bodies have: Microsoft's own types, made small, and the judge that reads them."""

"""What makes any noun work; knows no noun and no backend."""

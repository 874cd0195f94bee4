"""One folder a cloud; `registry.py` names them, `base.py` says what one is."""

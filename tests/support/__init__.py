"""What tests share. A folder of tests holds tests, fixtures and programs; what its tests import is here."""

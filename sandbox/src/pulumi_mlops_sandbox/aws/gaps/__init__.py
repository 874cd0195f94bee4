"""What AWS refuses or does and moto does not, service by service."""

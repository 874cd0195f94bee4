"""SageMaker's operations that moto lacks or loses members of, on the own store; the rest is moto's."""

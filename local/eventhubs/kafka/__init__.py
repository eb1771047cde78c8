"""The Kafka protocol, on a port of its own over the same partition log as AMQP."""

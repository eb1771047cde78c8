"""Kafka's consumer groups: who is in a group, who reads what, and how far each group has read.

Groups are the namespace's, apart from the consumer groups of its hubs, and come into being when they are used.
"""

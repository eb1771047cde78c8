"""Capture: what a hub takes, written window by window as Avro files into Blob storage, as the service does.

settings     infra/capture.json, checked: which hubs, how long and how large a window is, where files go and their names
avro         Microsoft's schema, and the bytes of a file
event        one AMQP message as the fields of that schema
progress     how far each partition is written: durable, beside the log
storage      the blobs
recorder     one partition: when a window closes, and how it becomes a file once and for all
service      all of them together, as the namespace runs them
"""

// One log, two protocols: what is sent over one is read over the other.
package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"
	"github.com/twmb/franz-go/pkg/kgo"
)

var crossingChecks = []check{
	{"crossing: events of the SDK are read over Kafka", amqpToKafka},
	{"crossing: records of a Kafka client are read by the SDK", kafkaToAMQP},
}

func amqpToKafka(ctx context.Context) error {
	producer, consumer, err := eventHubClients(setting("EventHubs"), group)
	if err != nil {
		return err
	}
	defer producer.Close(ctx)
	defer consumer.Close(ctx)
	before, err := lastSequenceNumbers(ctx, producer)
	if err != nil {
		return err
	}
	batch, err := producer.NewEventDataBatch(ctx, &azeventhubs.EventDataBatchOptions{PartitionKey: to.Ptr("28036")})
	if err != nil {
		return err
	}
	values := places("to-kafka", 2)
	for _, value := range values {
		event := &azeventhubs.EventData{
			Body: value, ContentType: to.Ptr("application/json"), MessageID: to.Ptr("message-1"),
			Properties: map[string]any{"text": "hi", "true": true},
		}
		if err := batch.AddEventData(event, nil); err != nil {
			return err
		}
	}
	if err := producer.SendEventDataBatch(ctx, batch, nil); err != nil {
		return err
	}
	after, err := lastSequenceNumbers(ctx, producer)
	if err != nil {
		return err
	}
	for partition := range int32(4) {
		id := fmt.Sprint(partition)
		if after[id] == before[id] {
			continue
		}
		records, err := consumeFrom(ctx, partition, before[id]+1, len(values))
		if err != nil {
			return err
		}
		var wrong []error
		for i, record := range records {
			headers := map[string]string{}
			for _, header := range record.Headers {
				headers[header.Key] = string(header.Value)
			}
			wrong = append(wrong, equal("the value", string(record.Value), string(values[i])),
				equal("the key", record.Key, []byte(nil)),
				equal("the headers", headers, map[string]string{
					"x-opt-partition-key": "28036", "content-type": "application/json", "message-id": "message-1",
					"text": "\xa1\x02hi", "true": "\x41",
				}))
		}
		return errors.Join(wrong...)
	}
	return errors.New("nothing was sent")
}

func kafkaToAMQP(ctx context.Context) error {
	client, err := kafka(kgo.DefaultProduceTopic(hub))
	if err != nil {
		return err
	}
	defer client.Close()
	var records []*kgo.Record
	for _, value := range places("to-amqp", 3) {
		records = append(records, &kgo.Record{
			Key: []byte("28036"), Value: value, Headers: []kgo.RecordHeader{{Key: "bytes", Value: []byte{0, 255}}},
		})
	}
	if err := client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return err
	}
	producer, consumer, err := eventHubClients(setting("EventHubs"), group)
	if err != nil {
		return err
	}
	defer producer.Close(ctx)
	defer consumer.Close(ctx)
	from := azeventhubs.StartPosition{SequenceNumber: &records[0].Offset, Inclusive: true}
	events, err := receive(ctx, consumer, fmt.Sprint(records[0].Partition), from, len(records))
	if err != nil {
		return err
	}
	var wrong []error
	for i, event := range events {
		wrong = append(wrong,
			equal("the body", string(event.Body), string(records[i].Value)),
			equal("the sequence number", event.SequenceNumber, records[i].Offset),
			equal("the partition key", event.PartitionKey, (*string)(nil)),
			equal("the Kafka key", event.SystemProperties["x-opt-kafka-key"], any([]byte("28036"))),
			equal("the properties", event.Properties, map[string]any{"bytes": []byte{0, 255}}))
	}
	return errors.Join(wrong...)
}

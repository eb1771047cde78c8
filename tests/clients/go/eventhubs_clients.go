// What the cases of Event Hubs have in common: clients of azeventhubs, and how they are used.
package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"
)

func eventHubClients(connection, group string) (*azeventhubs.ProducerClient, *azeventhubs.ConsumerClient, error) {
	producer, err := azeventhubs.NewProducerClientFromConnectionString(connection, hub, nil)
	if err != nil {
		return nil, nil, err
	}
	consumer, err := azeventhubs.NewConsumerClientFromConnectionString(connection, hub, group, nil)
	return producer, consumer, err
}

func lastSequenceNumbers(ctx context.Context, producer *azeventhubs.ProducerClient) (map[string]int64, error) {
	properties, err := producer.GetEventHubProperties(ctx, nil)
	if err != nil {
		return nil, err
	}
	last := map[string]int64{}
	for _, id := range properties.PartitionIDs {
		partition, err := producer.GetPartitionProperties(ctx, id, nil)
		if err != nil {
			return nil, err
		}
		last[id] = partition.LastEnqueuedSequenceNumber
	}
	return last, nil
}

func sendTo(ctx context.Context, producer *azeventhubs.ProducerClient, partition string, bodies [][]byte) error {
	batch, err := producer.NewEventDataBatch(ctx, &azeventhubs.EventDataBatchOptions{PartitionID: &partition})
	if err != nil {
		return err
	}
	for _, body := range bodies {
		if err := batch.AddEventData(&azeventhubs.EventData{Body: body}, nil); err != nil {
			return err
		}
	}
	return producer.SendEventDataBatch(ctx, batch, nil)
}

// receive waits for so many events from a position on; fewer are an error.
func receive(ctx context.Context, consumer *azeventhubs.ConsumerClient, partition string, from azeventhubs.StartPosition, count int) ([]*azeventhubs.ReceivedEventData, error) {
	client, err := consumer.NewPartitionClient(partition, &azeventhubs.PartitionClientOptions{StartPosition: from})
	if err != nil {
		return nil, err
	}
	defer client.Close(ctx)
	events, err := client.ReceiveEvents(ctx, count, nil)
	if err == nil && len(events) < count {
		err = fmt.Errorf("%d of %d events in time", len(events), count)
	}
	return events, err
}

func sameBodies(what string, events []*azeventhubs.ReceivedEventData, bodies [][]byte) error {
	got, want := make([]string, len(events)), make([]string, len(bodies))
	for i, event := range events {
		got[i] = string(event.Body)
	}
	for i, body := range bodies {
		want[i] = string(body)
	}
	return equal(what, got, want)
}

// withKey is a connection string with another key.
func withKey(connection, key string) string {
	parts := strings.Split(connection, ";")
	for i, part := range parts {
		if name, _, _ := strings.Cut(part, "="); strings.HasSuffix(name, "Key") {
			parts[i] = name + "=" + key
		}
	}
	return strings.Join(parts, ";")
}

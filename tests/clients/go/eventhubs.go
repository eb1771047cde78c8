// Event Hubs over AMQP, with azeventhubs: what is sent is received.
package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"
	"github.com/Azure/go-amqp"
)

const (
	hub   = "dev"
	group = "tools"
)

var eventHubsChecks = []check{
	{"event hubs: events of a partition key come back as they were sent", sendWithKey},
	{"event hubs: events to a partition, from every kind of start position", startPositions},
	{"event hubs: a batch is full at a megabyte", fullBatch},
	{"event hubs: two consumer groups read the same events", consumerGroups},
	{"event hubs: a higher owner level takes a partition over", ownerLevels},
	{"event hubs: what does not exist is refused", unknownEntities},
	{"event hubs: a wrong key is refused at once", wrongKey},
}

func sendWithKey(ctx context.Context) error {
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

	sent := azeventhubs.EventData{
		ContentType:   to.Ptr("application/json"),
		MessageID:     to.Ptr("message-1"),
		CorrelationID: "correlation-1",
		Properties: map[string]any{
			"text": "Grüße", "long": int64(1) << 40, "int": int32(-7), "double": 1.5, "true": true, "bytes": []byte{0, 255},
			"time": time.UnixMilli(1795338000123), "uuid": amqp.UUID{1, 2, 3},
		},
	}
	started := time.Now().Add(-time.Second)
	batch, err := producer.NewEventDataBatch(ctx, &azeventhubs.EventDataBatchOptions{PartitionKey: to.Ptr("28036")})
	if err != nil {
		return err
	}
	bodies := places("key", 3)
	for _, body := range bodies {
		sent.Body = body
		if err := batch.AddEventData(&sent, nil); err != nil {
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
	var partitions []string
	for id := range after {
		if after[id] != before[id] {
			partitions = append(partitions, id)
		}
	}
	if len(partitions) != 1 {
		return fmt.Errorf("the events of a key are in partitions %v", partitions)
	}
	partition := partitions[0]
	events, err := receive(ctx, consumer, partition, azeventhubs.StartPosition{SequenceNumber: to.Ptr(before[partition])}, 3)
	if err != nil {
		return err
	}
	var wrong []error
	for i, event := range events {
		wrong = append(wrong,
			equal("the body", string(event.Body), string(bodies[i])),
			equal("the sequence number", event.SequenceNumber, before[partition]+1+int64(i)),
			equal("the partition key", *event.PartitionKey, "28036"),
			equal("the content type", *event.ContentType, "application/json"),
			equal("the message id", *event.MessageID, "message-1"),
			equal("the correlation id", event.CorrelationID, "correlation-1"),
			equal("the properties", event.Properties, sent.Properties),
		)
		if event.EnqueuedTime.Before(started) || event.EnqueuedTime.After(time.Now().Add(time.Second)) {
			wrong = append(wrong, fmt.Errorf("it was enqueued at %s, and now is %s", event.EnqueuedTime, time.Now()))
		}
	}
	return errors.Join(wrong...)
}

func fullBatch(ctx context.Context) error {
	producer, consumer, err := eventHubClients(setting("EventHubs"), group)
	if err != nil {
		return err
	}
	defer producer.Close(ctx)
	defer consumer.Close(ctx)
	before, err := producer.GetPartitionProperties(ctx, "1", nil)
	if err != nil {
		return err
	}
	batch, err := producer.NewEventDataBatch(ctx, &azeventhubs.EventDataBatchOptions{PartitionID: to.Ptr("1")})
	if err != nil {
		return err
	}
	padding := strings.Repeat(" ", 50_000) // around a JSON object, of no meaning
	bodies := places("full", 100)
	for i, body := range bodies {
		bodies[i] = append(body, padding...)
		err := batch.AddEventData(&azeventhubs.EventData{Body: bodies[i]}, nil)
		if errors.Is(err, azeventhubs.ErrEventDataTooLarge) {
			bodies = bodies[:i]
			break
		} else if err != nil {
			return err
		}
	}
	if err := producer.SendEventDataBatch(ctx, batch, nil); err != nil {
		return err
	}
	events, err := receive(ctx, consumer, "1", azeventhubs.StartPosition{SequenceNumber: &before.LastEnqueuedSequenceNumber}, len(bodies))
	return errors.Join(err, equal("how many fit", len(bodies), 1_048_576/50_300), sameBodies("of the batch", events, bodies))
}

func consumerGroups(ctx context.Context) error {
	producer, first, err := eventHubClients(setting("EventHubs"), group)
	if err != nil {
		return err
	}
	defer producer.Close(ctx)
	defer first.Close(ctx)
	second, err := azeventhubs.NewConsumerClientFromConnectionString(setting("EventHubs"), hub, azeventhubs.DefaultConsumerGroup, nil)
	if err != nil {
		return err
	}
	defer second.Close(ctx)
	properties, err := second.GetEventHubProperties(ctx, nil)
	if err != nil {
		return err
	}
	before, err := second.GetPartitionProperties(ctx, "0", nil)
	if err != nil {
		return err
	}
	bodies := places("groups", 2)
	if err := sendTo(ctx, producer, "0", bodies); err != nil {
		return err
	}
	from := azeventhubs.StartPosition{SequenceNumber: &before.LastEnqueuedSequenceNumber}
	read, err := receive(ctx, first, "0", from, 2)
	again, errAgain := receive(ctx, second, "0", from, 2)
	return errors.Join(err, errAgain, sameBodies("of one group", read, bodies), sameBodies("of the other", again, bodies),
		equal("the hub's name", properties.Name, hub), equal("its partitions", properties.PartitionIDs, []string{"0", "1", "2", "3"}))
}

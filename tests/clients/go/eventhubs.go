// Event Hubs over AMQP, with azeventhubs: sending, receiving from a position, what a hub says of itself, refusals.
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

func startPositions(ctx context.Context) error {
	producer, consumer, err := eventHubClients(setting("EventHubs"), group)
	if err != nil {
		return err
	}
	defer producer.Close(ctx)
	defer consumer.Close(ctx)

	// A receiver that waits at the end before anything is sent.
	latest, err := consumer.NewPartitionClient("2", &azeventhubs.PartitionClientOptions{
		StartPosition: azeventhubs.StartPosition{Latest: to.Ptr(true)},
	})
	if err != nil {
		return err
	}
	defer latest.Close(ctx)
	briefly, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if events, err := latest.ReceiveEvents(briefly, 1, nil); !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("there is %v after the end (%w)", events, err)
	}

	before, err := producer.GetPartitionProperties(ctx, "2", nil)
	if err != nil {
		return err
	}
	bodies := places("positions", 4)
	if err := sendTo(ctx, producer, "2", bodies[:2]); err != nil {
		return err
	}
	middle, err := producer.GetPartitionProperties(ctx, "2", nil)
	if err != nil {
		return err
	}
	if err := sendTo(ctx, producer, "2", bodies[2:]); err != nil {
		return err
	}
	after, err := producer.GetPartitionProperties(ctx, "2", nil)
	if err != nil {
		return err
	}
	wrong := []error{
		equal("the hub", after.EventHubName, hub),
		equal("the partition", after.PartitionID, "2"),
		equal("being empty", after.IsEmpty, false),
		equal("the last sequence number", after.LastEnqueuedSequenceNumber, before.LastEnqueuedSequenceNumber+4),
	}
	if since := time.Since(after.LastEnqueuedOn); since < -time.Second || since > 10*time.Second {
		wrong = append(wrong, fmt.Errorf("the last event was enqueued %s ago", since))
	}

	events, err := latest.ReceiveEvents(ctx, 4, nil)
	wrong = append(wrong, err, sameBodies("from the end on", events, bodies))
	if len(events) < 2 {
		return errors.Join(wrong...)
	}
	second := events[1]
	wrong = append(wrong,
		equal("the second event's offset", second.Offset, middle.LastEnqueuedOffset),
		equal("the second event's time", second.EnqueuedTime.UnixMilli(), middle.LastEnqueuedOn.UnixMilli()),
	)
	for what, from := range map[string]azeventhubs.StartPosition{
		"after an offset":           {Offset: &second.Offset},
		"from an offset":            {Offset: &second.Offset, Inclusive: true},
		"after a sequence number":   {SequenceNumber: &second.SequenceNumber},
		"from a sequence number":    {SequenceNumber: &second.SequenceNumber, Inclusive: true},
		"from a time":               {EnqueuedTime: events[0].EnqueuedTime, Inclusive: true},
		"after the time before all": {EnqueuedTime: to.Ptr(events[0].EnqueuedTime.Add(-time.Millisecond))},
	} {
		expected := bodies[2:]
		switch {
		case from.EnqueuedTime != nil:
			expected = bodies
		case from.Inclusive:
			expected = bodies[1:]
		}
		found, err := receive(ctx, consumer, "2", from, len(expected))
		wrong = append(wrong, err, sameBodies(what, found, expected))
	}
	first, err := receive(ctx, consumer, "2", azeventhubs.StartPosition{Earliest: to.Ptr(true)}, 1)
	if err == nil {
		err = equal("the first event's number", first[0].SequenceNumber, after.BeginningSequenceNumber)
	}
	return errors.Join(append(wrong, err)...)
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

func ownerLevels(ctx context.Context) error {
	_, consumer, err := eventHubClients(setting("EventHubs"), azeventhubs.DefaultConsumerGroup)
	if err != nil {
		return err
	}
	defer consumer.Close(ctx)
	open := func(level int64) (*azeventhubs.PartitionClient, error) {
		return consumer.NewPartitionClient("3", &azeventhubs.PartitionClientOptions{
			OwnerLevel: &level, StartPosition: azeventhubs.StartPosition{Latest: to.Ptr(true)},
		})
	}
	briefly := func(client *azeventhubs.PartitionClient, limit time.Duration) error {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		_, err := client.ReceiveEvents(ctx, 1, nil)
		return err
	}
	low, err := open(1)
	if err != nil {
		return err
	}
	defer low.Close(ctx)
	if err := briefly(low, time.Second); !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("the first owner: %w", err)
	}
	high, err := open(2)
	if err != nil {
		return err
	}
	defer high.Close(ctx)
	if err := briefly(high, time.Second); !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("the second owner: %w", err)
	}
	var lost *azeventhubs.Error
	if err := briefly(low, 10*time.Second); !errors.As(err, &lost) || lost.Code != azeventhubs.ErrorCodeOwnershipLost {
		return fmt.Errorf("the first owner was not told: %w", err)
	}
	return nil
}

func unknownEntities(ctx context.Context) error {
	var wrong []error
	for _, one := range []struct{ hub, group, partition string }{
		{"none", group, "0"}, {hub, "none", "0"}, {hub, group, "9"},
	} {
		consumer, err := azeventhubs.NewConsumerClientFromConnectionString(setting("EventHubs"), one.hub, one.group, nil)
		if err != nil {
			return err
		}
		_, err = receive(ctx, consumer, one.partition, azeventhubs.StartPosition{Earliest: to.Ptr(true)}, 1)
		var refused *amqp.Error
		if !errors.As(err, &refused) {
			wrong = append(wrong, fmt.Errorf("%v is answered by %w", one, err))
		}
		consumer.Close(ctx)
	}
	return errors.Join(wrong...)
}

func wrongKey(ctx context.Context) error {
	started := time.Now()
	producer, consumer, err := eventHubClients(withKey(setting("EventHubs"), "d3Jvbmc="), group)
	if err != nil {
		return err
	}
	defer producer.Close(ctx)
	defer consumer.Close(ctx)
	_, asked := producer.GetEventHubProperties(ctx, nil) // of no exported type
	if asked == nil || !strings.Contains(asked.Error(), "401") {
		return fmt.Errorf("asking for properties is answered by %w", asked)
	}
	_, sent := producer.NewEventDataBatch(ctx, nil)
	_, received := receive(ctx, consumer, "0", azeventhubs.StartPosition{Earliest: to.Ptr(true)}, 1)
	for _, err := range []error{sent, received} {
		var refused *azeventhubs.Error
		if !errors.As(err, &refused) || refused.Code != azeventhubs.ErrorCodeUnauthorizedAccess {
			return fmt.Errorf("it is not refused for its key: %w", err)
		}
	}
	if took := time.Since(started); took > 5*time.Second {
		return fmt.Errorf("it took %s", took)
	}
	return nil
}

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

// Where receivers of azeventhubs start, and which of them may stay.
package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"
)

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

// AMQP messages as azeventhubs sends them whole: every section and kind of body; and many events, by either way of credit.
package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"
)

var eventHubsMessageChecks = []check{
	{"event hubs: every section of an AMQP message comes back, whatever its body", annotatedMessages},
	{"event hubs: many events come in order, prefetched and asked for", manyEvents},
}

func annotatedMessages(ctx context.Context) error {
	producer, consumer, err := eventHubClients(setting("EventHubs"), group)
	if err != nil {
		return err
	}
	defer producer.Close(ctx)
	defer consumer.Close(ctx)
	before, err := producer.GetPartitionProperties(ctx, "0", nil)
	if err != nil {
		return err
	}
	at := time.UnixMilli(1795338000123)
	sent := azeventhubs.AMQPAnnotatedMessage{
		Header:             &azeventhubs.AMQPAnnotatedMessageHeader{Durable: true, Priority: 7, TTL: time.Hour},
		MessageAnnotations: map[any]any{"x-opt-ours": int32(1)},
		Properties: &azeventhubs.AMQPAnnotatedMessageProperties{
			MessageID: uint64(1) << 60, UserID: []byte("user"), To: to.Ptr("to"), Subject: to.Ptr("subject"), ReplyTo: to.Ptr("reply-to"),
			CorrelationID: []byte{0, 255}, ContentType: to.Ptr("text/plain"), ContentEncoding: to.Ptr("utf-8"),
			AbsoluteExpiryTime: &at, CreationTime: &at, GroupID: to.Ptr("group"), GroupSequence: to.Ptr(uint32(9)), ReplyToGroupID: to.Ptr("other"),
		},
		ApplicationProperties: map[string]any{"byte": uint8(255), "short": int16(-2), "float": float32(0.5), "null": nil},
		Footer:                map[any]any{"x-opt-foot": "er"},
	}
	value := places("value", 1)[0]
	kinds := []azeventhubs.AMQPAnnotatedMessageBody{
		{Data: [][]byte{value}},
		{Data: [][]byte{value[:10], value[10:]}},
		{Value: map[string]any{"text": "Grüße", "list": []any{int64(1), "two", nil}, "at": at}},
		{Sequence: [][]any{{int64(1), "two"}, {true}}},
	}
	batch, err := producer.NewEventDataBatch(ctx, &azeventhubs.EventDataBatchOptions{PartitionID: to.Ptr("0")})
	if err != nil {
		return err
	}
	for _, kind := range kinds {
		sent.Body = kind
		if err := batch.AddAMQPAnnotatedMessage(&sent, nil); err != nil {
			return err
		}
	}
	if err := producer.SendEventDataBatch(ctx, batch, nil); err != nil {
		return err
	}
	from := azeventhubs.StartPosition{SequenceNumber: &before.LastEnqueuedSequenceNumber}
	events, err := receive(ctx, consumer, "0", from, len(kinds))
	if err != nil {
		return err
	}
	var wrong []error
	for i, event := range events {
		got := event.RawAMQPMessage
		wrong = append(wrong,
			equal("the body", got.Body, kinds[i]),
			equal("the header", *got.Header, *sent.Header),
			equal("the properties", *got.Properties, *sent.Properties),
			equal("the application properties", got.ApplicationProperties, sent.ApplicationProperties),
			equal("an annotation", got.MessageAnnotations["x-opt-ours"], any(int32(1))),
			equal("the footer", got.Footer, sent.Footer),
		)
	}
	return errors.Join(wrong...)
}

func manyEvents(ctx context.Context) error {
	const many = 3000
	producer, consumer, err := eventHubClients(setting("EventHubs"), group)
	if err != nil {
		return err
	}
	defer producer.Close(ctx)
	defer consumer.Close(ctx)
	before, err := producer.GetPartitionProperties(ctx, "3", nil)
	if err != nil {
		return err
	}
	bodies := places("many", many)
	for start := 0; start < many; start += 500 {
		if err := sendTo(ctx, producer, "3", bodies[start:start+500]); err != nil {
			return err
		}
	}
	for how, prefetch := range map[string]int32{"prefetched": 0, "a few prefetched": 7, "asked for": -1} {
		client, err := consumer.NewPartitionClient("3", &azeventhubs.PartitionClientOptions{
			StartPosition: azeventhubs.StartPosition{SequenceNumber: &before.LastEnqueuedSequenceNumber}, Prefetch: prefetch,
		})
		if err != nil {
			return err
		}
		for next := 0; next < many; {
			events, err := client.ReceiveEvents(ctx, min(700, many-next), nil)
			if err != nil {
				return fmt.Errorf("%s: %w", how, err)
			}
			for _, event := range events {
				if string(event.Body) != string(bodies[next]) || event.SequenceNumber != before.LastEnqueuedSequenceNumber+1+int64(next) {
					return fmt.Errorf("%s: event %d is %s, with sequence number %d", how, next, event.Body, event.SequenceNumber)
				}
				next++
			}
		}
		if err := client.Close(ctx); err != nil {
			return err
		}
	}
	return nil
}

// What Event Hubs refuses azeventhubs.
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

// The event processor of azeventhubs, which shares partitions out and keeps checkpoints in Blob storage.
package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azeventhubs/v2/checkpoints"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
)

var processorChecks = []check{
	{"processor: it resumes behind its checkpoints in Blob storage", resumeFromCheckpoints},
	{"processor: two of them share the partitions", sharePartitions},
}

func resumeFromCheckpoints(ctx context.Context) error {
	checkpointContainer, err := newContainer(ctx, "resume")
	if err != nil {
		return err
	}
	producer, consumer, err := eventHubClients(setting("EventHubs"), group)
	if err != nil {
		return err
	}
	defer producer.Close(ctx)
	defer consumer.Close(ctx)
	start, err := lastSequenceNumbers(ctx, producer)
	if err != nil {
		return err
	}

	// GIVEN a processor that sees ten events, two or three a partition, checkpoints each, and stops
	first, second := places("before", 10), places("after", 6)
	send := func(bodies [][]byte) error {
		for i, body := range bodies {
			if err := sendTo(ctx, producer, fmt.Sprint(i%4), [][]byte{body}); err != nil {
				return err
			}
		}
		return nil
	}
	if err := send(first); err != nil {
		return err
	}
	before := newProcessing(consumer, checkpointContainer, start)
	if err := before.run(ctx, func() bool { return len(before.bodies("")) >= len(first) }); err != nil {
		return err
	}
	// WHEN more are sent meanwhile, and another starts
	if err := send(second); err != nil {
		return err
	}
	after := newProcessing(consumer, checkpointContainer, start)
	if err := after.run(ctx, func() bool { return len(after.bodies("")) >= len(second) }); err != nil {
		return err
	}

	// THEN each event was processed once, and the checkpoints are where every SDK looks for them
	namespace := strings.TrimPrefix(strings.Split(setting("EventHubs"), ";")[0], "Endpoint=sb://")
	var blobs []string
	pager := checkpointContainer.NewListBlobsFlatPager(nil)
	for pager.More() {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, blob := range page.Segment.BlobItems {
			if strings.Contains(*blob.Name, "/checkpoint/") {
				blobs = append(blobs, *blob.Name)
			}
		}
	}
	var expected []string
	for partition := range 4 {
		expected = append(expected, fmt.Sprintf("%s/%s/%s/checkpoint/%d", namespace, hub, group, partition))
	}
	return errors.Join(
		equal("how many it processed", len(before.bodies("")), len(first)),
		equal("how many the next one did", len(after.bodies("")), len(second)),
		equal("those of the first half among them", len(after.bodies(sender+"/before")), 0),
		equal("the blobs", blobs, expected),
	)
}

func sharePartitions(ctx context.Context) error {
	checkpointContainer, err := newContainer(ctx, "share")
	if err != nil {
		return err
	}
	var running sync.WaitGroup
	defer running.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var both []*processing
	for range 2 {
		producer, consumer, err := eventHubClients(setting("EventHubs"), group)
		if err != nil {
			return err
		}
		defer producer.Close(context.Background())
		defer consumer.Close(context.Background())
		one := newProcessing(consumer, checkpointContainer, nil)
		both = append(both, one)
		running.Add(1)
		go func() {
			defer running.Done()
			_ = one.run(ctx, func() bool { return false })
		}()
	}
	return until(ctx, "two partitions each", func() (bool, error) {
		return len(both[0].partitions()) == 2 && len(both[1].partitions()) == 2, nil
	})
}

// processing is a processor and what it has seen.
type processing struct {
	processor *azeventhubs.Processor
	err       error
	mutex     sync.Mutex
	seen      []string
	owned     map[string]bool
}

// newProcessing starts behind the given sequence numbers where there is no checkpoint, at the end without them.
func newProcessing(consumer *azeventhubs.ConsumerClient, blobs *container.Client, start map[string]int64) *processing {
	made := &processing{owned: map[string]bool{}}
	store, err := checkpoints.NewBlobStore(blobs, nil)
	if err != nil {
		made.err = err
		return made
	}
	positions := map[string]azeventhubs.StartPosition{}
	for partition, number := range start {
		positions[partition] = azeventhubs.StartPosition{SequenceNumber: to.Ptr(number)}
	}
	made.processor, made.err = azeventhubs.NewProcessor(consumer, store, &azeventhubs.ProcessorOptions{
		LoadBalancingStrategy: azeventhubs.ProcessorStrategyGreedy,
		UpdateInterval:        500 * time.Millisecond,
		StartPositions:        azeventhubs.StartPositions{PerPartition: positions},
	})
	return made
}

// run processes until `enough`, or the context ends.
func (p *processing) run(ctx context.Context, enough func() bool) error {
	if p.err != nil {
		return p.err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var working sync.WaitGroup
	go func() {
		for {
			partition := p.processor.NextPartitionClient(ctx)
			if partition == nil {
				return
			}
			working.Add(1)
			go func() {
				defer working.Done()
				p.process(ctx, partition)
			}()
		}
	}()
	ended := make(chan error, 1)
	go func() { ended <- p.processor.Run(ctx) }()
	err := until(ctx, "processing", func() (bool, error) { return enough(), nil })
	stop()
	working.Wait()
	return errors.Join(err, <-ended)
}

func (p *processing) process(ctx context.Context, partition *azeventhubs.ProcessorPartitionClient) {
	p.own(partition.PartitionID(), true)
	defer p.own(partition.PartitionID(), false)
	defer partition.Close(context.Background())
	for ctx.Err() == nil {
		events, err := partition.ReceiveEvents(ctx, 1, nil)
		if err != nil {
			return // stopped, or another took it over
		}
		if err := partition.UpdateCheckpoint(context.Background(), events[len(events)-1], nil); err != nil {
			return
		}
		p.mutex.Lock()
		for _, event := range events {
			p.seen = append(p.seen, string(event.Body))
		}
		p.mutex.Unlock()
	}
}

func (p *processing) own(partition string, owned bool) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if owned {
		p.owned[partition] = true
	} else {
		delete(p.owned, partition)
	}
}

func (p *processing) partitions() map[string]bool {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	copied := map[string]bool{}
	for partition := range p.owned {
		copied[partition] = true
	}
	return copied
}

// bodies are those seen that contain a text.
func (p *processing) bodies(text string) []string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	var found []string
	for _, body := range p.seen {
		if strings.Contains(body, text) {
			found = append(found, body)
		}
	}
	return found
}

// newContainer makes a blob container of this run's own.
func newContainer(ctx context.Context, name string) (*container.Client, error) {
	client, err := azblob.NewClientFromConnectionString(setting("AzureWebJobsStorage"), nil)
	if err != nil {
		return nil, err
	}
	made := client.ServiceClient().NewContainerClient(sender + "-" + name)
	_, err = made.Create(ctx, nil)
	return made, err
}

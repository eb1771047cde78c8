// Consumer groups with franz-go.
package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

var kafkaGroupChecks = []check{
	{"kafka: a group commits and resumes", commitAndResume},
	{"kafka: two members share the partitions, cooperatively", func(ctx context.Context) error {
		return shareBy(ctx, "cooperative", kgo.CooperativeStickyBalancer())
	}},
	{"kafka: two members share the partitions, eagerly", func(ctx context.Context) error {
		return shareBy(ctx, "eager", kgo.RangeBalancer())
	}},
	{"kafka: an administrator sees a group, its lag, and deletes it", administerGroups},
}

func commitAndResume(ctx context.Context) error {
	name := sender + "-resume"
	first, second := places("committed", 8), places("later", 3)
	if err := moveToEnd(ctx, name); err != nil {
		return err
	}
	for _, values := range [][][]byte{first, second} {
		if err := produce(ctx, values); err != nil {
			return err
		}
		client, err := kafka(kgo.ConsumerGroup(name), kgo.ConsumeTopics(hub), kgo.DisableAutoCommit())
		if err != nil {
			return err
		}
		seen := map[string]bool{}
		for len(seen) < len(values) {
			fetches := client.PollFetches(ctx)
			if err := fetches.Err(); err != nil {
				client.Close()
				return err
			}
			for _, record := range fetches.Records() {
				seen[string(record.Value)] = true
			}
		}
		err = client.CommitUncommittedOffsets(ctx)
		client.Close()
		if err != nil {
			return err
		}
		for _, value := range values {
			if !seen[string(value)] {
				return fmt.Errorf("%s is not among what was read", value)
			}
		}
		if len(seen) != len(values) {
			return fmt.Errorf("%d records were read, %d produced", len(seen), len(values))
		}
	}
	return nil
}

func shareBy(ctx context.Context, how string, balancer kgo.GroupBalancer) error {
	name := sender + "-" + how
	join := func(id string) (*kgo.Client, error) {
		return kafka(kgo.ConsumerGroup(name), kgo.ConsumeTopics(hub), kgo.Balancers(balancer), kgo.ClientID(id))
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	poll := func(client *kgo.Client) {
		for ctx.Err() == nil && !client.PollFetches(ctx).IsClientClosed() {
		}
	}
	watcher, err := kafka()
	if err != nil {
		return err
	}
	defer watcher.Close()
	admin := kadm.NewClient(watcher)
	shares := func(expected map[string]int) func() (bool, error) {
		return func() (bool, error) {
			groups, err := admin.DescribeGroups(ctx, name)
			if err != nil {
				return false, err
			}
			found := map[string]int{}
			for _, member := range groups[name].Members {
				if assigned, ok := member.Assigned.AsConsumer(); ok {
					for _, topic := range assigned.Topics {
						found[member.ClientID] += len(topic.Partitions)
					}
				}
			}
			return groups[name].State == "Stable" && maps.Equal(found, expected), groups.Error()
		}
	}
	one, err := join("one")
	if err != nil {
		return err
	}
	defer one.Close()
	go poll(one)
	if err := until(ctx, "all partitions for one", shares(map[string]int{"one": 4})); err != nil {
		return err
	}
	two, err := join("two")
	if err != nil {
		return err
	}
	defer two.Close()
	go poll(two)
	if err := until(ctx, "two partitions each", shares(map[string]int{"one": 2, "two": 2})); err != nil {
		return err
	}
	one.Close()
	return until(ctx, "all partitions for who stays", shares(map[string]int{"two": 4}))
}

func administerGroups(ctx context.Context) error {
	name := sender + "-administered"
	if err := errors.Join(moveToEnd(ctx, name), produce(ctx, places("lag", 5))); err != nil {
		return err
	}
	client, err := kafka()
	if err != nil {
		return err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	lags, err := admin.Lag(ctx, name)
	if err != nil {
		return err
	}
	listed, err := admin.ListGroups(ctx)
	if err != nil {
		return err
	}
	deleted, err := admin.DeleteGroups(ctx, name)
	if err != nil {
		return err
	}
	after, err := admin.ListGroups(ctx)
	if err != nil {
		return err
	}
	coordinated := 0
	for _, group := range listed.Groups() {
		if strings.HasPrefix(group, sender) {
			coordinated++
		}
	}
	if coordinated == 0 {
		return fmt.Errorf("our groups are not listed: %v", listed.Groups())
	}
	_, still := after[name]
	return errors.Join(lags.Error(), deleted.Error(), equal("the group's state", lags[name].State, "Empty"),
		equal("its lag", lags[name].Lag.Total(), int64(5)), equal("being there after deletion", still, false))
}

// moveToEnd commits a group, which need not exist, to the end of every partition.
func moveToEnd(ctx context.Context, name string) error {
	client, err := kafka()
	if err != nil {
		return err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	ends, err := admin.ListEndOffsets(ctx, hub)
	if err != nil {
		return err
	}
	return admin.CommitAllOffsets(ctx, name, ends.Offsets())
}

func produce(ctx context.Context, values [][]byte) error {
	client, err := kafka(kgo.DefaultProduceTopic(hub), kgo.RecordPartitioner(kgo.RoundRobinPartitioner()))
	if err != nil {
		return err
	}
	defer client.Close()
	var records []*kgo.Record
	for _, value := range values {
		records = append(records, kgo.SliceRecord(value))
	}
	return client.ProduceSync(ctx, records...).FirstErr()
}

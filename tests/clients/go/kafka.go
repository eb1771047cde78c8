// Kafka with franz-go: what is produced is consumed, and what an administrator asks. Groups are in kafka_group.go.
package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
)

var kafkaChecks = []check{
	{"kafka: an idempotent producer's records come back as they were sent", produceAndConsume},
	{"kafka: every compression", compressions},
	{"kafka: offsets by time", offsetsByTime},
	{"kafka: an administrator sees topics, offsets and settings", administer},
	{"kafka: transactions are refused by name", transactions},
	{"kafka: a wrong key is refused at once", kafkaWrongKey},
}

// kafka is a client of the namespace; the options of a case come on top.
func kafka(options ...kgo.Opt) (*kgo.Client, error) {
	return kafkaWith(setting("EventHubs"), options...)
}

func kafkaWith(connection string, options ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(setting("EventHubs__kafkaBootstrapServers")),
		kgo.SASL(plain.Auth{User: "$ConnectionString", Pass: connection}.AsMechanism()),
	}, options...)...)
}

func produceAndConsume(ctx context.Context) error {
	client, err := kafka(kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.RequiredAcks(kgo.AllISRAcks()))
	if err != nil {
		return err
	}
	defer client.Close()
	started := time.Now().Add(-time.Second)
	var records []*kgo.Record
	for i, value := range places("kafka", 5) {
		records = append(records, &kgo.Record{
			Topic: hub, Key: []byte("28036"), Value: value,
			Headers: []kgo.RecordHeader{{Key: "n", Value: []byte(fmt.Sprint(i))}, {Key: "ä", Value: []byte{0, 255}}, {Key: "n", Value: nil}},
		})
	}
	if err := client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return err
	}
	consumed, err := consumeFrom(ctx, records[0].Partition, records[0].Offset, len(records))
	if err != nil {
		return err
	}
	var wrong []error
	for i, record := range consumed {
		wrong = append(wrong,
			equal("the partition", record.Partition, records[0].Partition),
			equal("the offset", record.Offset, records[0].Offset+int64(i)),
			equal("the offset that was acknowledged", records[i].Offset, record.Offset),
			equal("the key", string(record.Key), "28036"),
			equal("the value", string(record.Value), string(records[i].Value)),
			equal("the headers", record.Headers, records[i].Headers),
		)
		if record.Timestamp.Before(started) || record.Timestamp.After(time.Now().Add(time.Second)) {
			wrong = append(wrong, fmt.Errorf("its time is %s, and now is %s", record.Timestamp, time.Now()))
		}
	}
	return errors.Join(wrong...)
}

func compressions(ctx context.Context) error {
	for name, codec := range map[string]kgo.CompressionCodec{
		"gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	} {
		client, err := kafka(kgo.ProducerBatchCompression(codec), kgo.RecordPartitioner(kgo.ManualPartitioner()))
		if err != nil {
			return err
		}
		var records []*kgo.Record
		for _, value := range places(name, 20) {
			records = append(records, &kgo.Record{Topic: hub, Partition: 1, Value: value})
		}
		err = client.ProduceSync(ctx, records...).FirstErr()
		client.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		consumed, err := consumeFrom(ctx, 1, records[0].Offset, len(records))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for i, record := range consumed {
			if err := equal(name, string(record.Value), string(records[i].Value)); err != nil {
				return err
			}
		}
	}
	return nil
}

func offsetsByTime(ctx context.Context) error {
	client, err := kafka(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		return err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	values := places("times", 2)
	records := []*kgo.Record{{Topic: hub, Partition: 3, Value: values[0]}, {Topic: hub, Partition: 3, Value: values[1]}}
	if err := client.ProduceSync(ctx, records[0]).FirstErr(); err != nil {
		return err
	}
	first, err := consumeFrom(ctx, 3, records[0].Offset, 1)
	if err != nil {
		return err
	}
	// Times are whole milliseconds: the next record is to have another.
	err = until(ctx, "the next millisecond", func() (bool, error) { return time.Since(first[0].Timestamp) > 5*time.Millisecond, nil })
	if err != nil {
		return err
	}
	if err := client.ProduceSync(ctx, records[1]).FirstErr(); err != nil {
		return err
	}
	at := func(when time.Time) (int64, error) {
		listed, err := admin.ListOffsetsAfterMilli(ctx, when.UnixMilli(), hub)
		if err != nil {
			return 0, err
		}
		found, _ := listed.Lookup(hub, 3)
		return found.Offset, found.Err
	}
	same, errSame := at(first[0].Timestamp)
	next, errNext := at(first[0].Timestamp.Add(time.Millisecond))
	never, errNever := at(time.Now().Add(time.Hour))
	return errors.Join(errSame, errNext, errNever, equal("at its time", same, records[0].Offset),
		equal("a millisecond later", next, records[1].Offset), equal("in an hour: the end", never, records[1].Offset+1))
}

func administer(ctx context.Context) error {
	client, err := kafka()
	if err != nil {
		return err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	topics, err := admin.ListTopics(ctx)
	if err != nil {
		return err
	}
	ends, err := admin.ListEndOffsets(ctx, hub)
	if err != nil {
		return err
	}
	starts, err := admin.ListStartOffsets(ctx, hub)
	if err != nil {
		return err
	}
	configs, err := admin.DescribeTopicConfigs(ctx, hub)
	if err != nil {
		return err
	}
	retention := ""
	for _, config := range configs[0].Configs {
		if config.Key == "retention.ms" {
			retention = config.MaybeValue()
		}
	}
	wrong := []error{ends.Error(), starts.Error(), equal("the partitions", len(topics[hub].Partitions), 4), configs[0].Err,
		equal("the retention", retention, "86400000")}
	// The same numbers over the other protocol.
	producer, consumer, err := eventHubClients(setting("EventHubs"), group)
	if err != nil {
		return err
	}
	defer producer.Close(ctx)
	defer consumer.Close(ctx)
	last, err := lastSequenceNumbers(ctx, producer)
	for partition := range int32(4) {
		end, _ := ends.Lookup(hub, partition)
		wrong = append(wrong, equal("the end", end.Offset, last[fmt.Sprint(partition)]+1))
	}
	return errors.Join(append(wrong, err)...)
}

func transactions(ctx context.Context) error {
	client, err := kafka(kgo.TransactionalID(sender), kgo.DefaultProduceTopic(hub))
	if err != nil {
		return err
	}
	defer client.Close()
	if err = client.BeginTransaction(); err == nil {
		err = client.ProduceSync(ctx, &kgo.Record{Value: places("transaction", 1)[0]}).FirstErr()
	}
	if err == nil || !strings.Contains(err.Error(), kerr.TransactionalIDAuthorizationFailed.Message) {
		return fmt.Errorf("it is answered by %w", err)
	}
	return nil
}

func kafkaWrongKey(ctx context.Context) error {
	client, err := kafkaWith(withKey(setting("EventHubs"), "d3Jvbmc="))
	if err != nil {
		return err
	}
	defer client.Close()
	started := time.Now()
	err = client.Ping(ctx)
	if !errors.Is(err, kerr.SaslAuthenticationFailed) || !strings.Contains(err.Error(), "wrong SharedAccessKey") {
		return fmt.Errorf("it is answered by %w", err)
	}
	if took := time.Since(started); took > 5*time.Second {
		return fmt.Errorf("it took %s", took)
	}
	return nil
}

// consumeFrom reads so many records of a partition of the hub, from an offset on.
func consumeFrom(ctx context.Context, partition int32, offset int64, count int) ([]*kgo.Record, error) {
	client, err := kafka(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{hub: {partition: kgo.NewOffset().At(offset)}}))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	var records []*kgo.Record
	for len(records) < count {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return records, err
		}
		records = append(records, fetches.Records()...)
	}
	return records[:count], nil
}

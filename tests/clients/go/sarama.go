// Kafka with IBM/sarama, the older client: a producer, a consumer group, an administrator.
package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/IBM/sarama"
)

var saramaChecks = []check{
	{"sarama: what an idempotent producer sends, a group consumes, commits and resumes behind", saramaGroup},
	{"sarama: an administrator sees topics and groups", saramaAdmin},
	{"sarama: a wrong key is refused", saramaWrongKey},
}

func saramaConfig(connection string) *sarama.Config {
	config := sarama.NewConfig()
	config.Net.SASL.Enable = true
	config.Net.SASL.Mechanism = sarama.SASLTypePlaintext
	config.Net.SASL.User = "$ConnectionString"
	config.Net.SASL.Password = connection
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Idempotent = true
	config.Producer.Return.Successes = true
	config.Net.MaxOpenRequests = 1 // as an idempotent producer of sarama's must
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Offsets.AutoCommit.Enable = false
	return config
}

func saramaBrokers() []string {
	return []string{setting("EventHubs__kafkaBootstrapServers")}
}

func saramaGroup(ctx context.Context) error {
	config := saramaConfig(setting("EventHubs"))
	producer, err := sarama.NewSyncProducer(saramaBrokers(), config)
	if err != nil {
		return err
	}
	defer producer.Close()
	name := sender + "-sarama"
	if err := moveToEnd(ctx, name); err != nil {
		return err
	}
	for _, values := range [][][]byte{places("sarama", 6), places("sarama-later", 4)} {
		var messages []*sarama.ProducerMessage
		for i, value := range values {
			messages = append(messages, &sarama.ProducerMessage{
				Topic: hub, Key: sarama.StringEncoder(fmt.Sprint(i)), Value: sarama.ByteEncoder(value),
				Headers: []sarama.RecordHeader{{Key: []byte("n"), Value: []byte{0, 255}}},
			})
		}
		if err := producer.SendMessages(messages); err != nil {
			return err
		}
		reading := &saramaReading{expected: len(values), seen: map[string]string{}, done: make(chan struct{})}
		if err := reading.consume(ctx, name, config); err != nil {
			return err
		}
		wrong := []error{equal("how many were read", len(reading.seen), len(values))}
		for i, value := range values {
			wrong = append(wrong, equal("the key of "+string(value), reading.seen[string(value)], fmt.Sprint(i)))
		}
		if err := errors.Join(wrong...); err != nil {
			return err
		}
	}
	return nil
}

// saramaReading is a member of a group, that stops once it has seen what it expects.
type saramaReading struct {
	expected int
	mutex    sync.Mutex
	seen     map[string]string // keys by value
	done     chan struct{}
	wrong    error
}

func (r *saramaReading) consume(ctx context.Context, name string, config *sarama.Config) error {
	group, err := sarama.NewConsumerGroup(saramaBrokers(), name, config)
	if err != nil {
		return err
	}
	defer group.Close()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- group.Consume(ctx, []string{hub}, r) }()
	select {
	case <-r.done:
		stop()
		return errors.Join(<-ended, r.wrong)
	case err := <-ended:
		return fmt.Errorf("it ended with %d of %d: %w", len(r.seen), r.expected, err)
	}
}

func (r *saramaReading) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (r *saramaReading) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (r *saramaReading) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case message, open := <-claim.Messages():
			if !open {
				return nil
			}
			session.MarkMessage(message, "")
			session.Commit()
			r.take(message)
		case <-session.Context().Done():
			return nil
		}
	}
}

func (r *saramaReading) take(message *sarama.ConsumerMessage) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	known := len(r.seen)
	r.seen[string(message.Value)] = string(message.Key)
	if len(message.Headers) != 1 || string(message.Headers[0].Value) != "\x00\xff" {
		r.wrong = fmt.Errorf("the headers are %v", message.Headers)
	}
	if len(r.seen) == r.expected && known < r.expected {
		close(r.done)
	}
}

func saramaAdmin(context.Context) error {
	admin, err := sarama.NewClusterAdmin(saramaBrokers(), saramaConfig(setting("EventHubs")))
	if err != nil {
		return err
	}
	defer admin.Close()
	topics, err := admin.ListTopics()
	if err != nil {
		return err
	}
	name := sender + "-sarama"
	groups, err := admin.DescribeConsumerGroups([]string{name})
	if err != nil {
		return err
	}
	offsets, err := admin.ListConsumerGroupOffsets(name, nil)
	if err != nil {
		return err
	}
	committed := 0
	for _, block := range offsets.Blocks[hub] {
		if block.Err == sarama.ErrNoError && block.Offset >= 0 {
			committed++
		}
	}
	return errors.Join(equal("the partitions", topics[hub].NumPartitions, int32(4)),
		equal("the group's state", groups[0].State, "Empty"), equal("the partitions it committed", committed, 4))
}

func saramaWrongKey(context.Context) error {
	config := saramaConfig(withKey(setting("EventHubs"), "d3Jvbmc="))
	config.Metadata.Retry.Max = 0
	client, err := sarama.NewClient(saramaBrokers(), config)
	if err == nil {
		return errors.Join(errors.New("it is let in"), client.Close())
	}
	if !errors.Is(err, sarama.ErrSASLAuthenticationFailed) {
		return fmt.Errorf("it is answered by %w", err)
	}
	return nil
}

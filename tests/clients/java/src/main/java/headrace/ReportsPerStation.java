package headrace;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.time.Duration;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.TimeWindows;

/**
 * A Kafka Streams application: weather reports of hub {@code dev}, counted by station and minute.
 *
 * <p>The key is in the body, and so is the time; neither the records' keys nor when they arrived count.
 */
final class ReportsPerStation {
    static final String STORE = "reports-per-station";
    static final Duration WINDOW = Duration.ofMinutes(1);
    private static final Duration GRACE = Duration.ofHours(1);
    private static final ObjectMapper JSON = new ObjectMapper();

    private ReportsPerStation() {}

    /** Counts go to {@code output}, keyed {@code STATION@START}. Those of other producers than {@code sender} do not count. */
    static Topology topology(String output, String sender) {
        StreamsBuilder builder = new StreamsBuilder();
        builder.stream(
                        "dev",
                        Consumed.with(Serdes.ByteArray(), Serdes.ByteArray())
                                .withTimestampExtractor(ReportsPerStation::epoch))
                .filter((key, body) -> sender.equals(text(body, "sender")))
                .groupBy((key, body) -> text(body, "station"), Grouped.with(Serdes.String(), Serdes.ByteArray()))
                .windowedBy(TimeWindows.ofSizeAndGrace(WINDOW, GRACE))
                .count(Materialized.as(STORE))
                .toStream()
                .map((station, count) ->
                        KeyValue.pair(station.key() + "@" + station.window().startTime(), count))
                .to(output, Produced.with(Serdes.String(), Serdes.Long()));
        return builder.build();
    }

    private static long epoch(ConsumerRecord<Object, Object> record, long partitionTime) {
        JsonNode epoch = field((byte[]) record.value(), "epoch");
        return epoch.isNumber() ? (long) (epoch.asDouble() * 1000) : record.timestamp();
    }

    private static String text(byte[] body, String name) {
        return field(body, name).asText();
    }

    private static JsonNode field(byte[] body, String name) {
        try {
            return JSON.readTree(body).path(name);
        } catch (IOException | IllegalArgumentException notJson) {
            return JSON.missingNode();
        }
    }
}

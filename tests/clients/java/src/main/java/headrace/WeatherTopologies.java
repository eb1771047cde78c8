package headrace;

import java.time.Duration;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KGroupedStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.Suppressed;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.Windowed;

/**
 * Kafka Streams applications over the weather reports of hub {@code dev}, those of one sender.
 *
 * <p>The key is in the body, and so is the time: neither the records' keys nor when they arrived count.
 */
final class WeatherTopologies {
    static final String COUNTS = "reports-per-station";
    static final String WARMEST = "warmest-per-station";
    private static final Duration MINUTE = Duration.ofMinutes(1);
    private static final Duration GRACE = Duration.ofHours(1);

    private WeatherTopologies() {}

    /** Counts by station and minute, kept in {@link #COUNTS}; each change goes to {@code output}, as STATION@START. */
    static Topology counts(String sender, String output) {
        StreamsBuilder builder = new StreamsBuilder();
        byStation(builder, sender)
                .windowedBy(TimeWindows.ofSizeAndGrace(MINUTE, GRACE))
                .count(Materialized.as(COUNTS))
                .toStream()
                .map(WeatherTopologies::named)
                .to(output, Produced.with(Serdes.String(), Serdes.Long()));
        return builder.build();
    }

    /** As {@link #counts}, and only once a minute is over: one result of each. */
    static Topology finalCounts(String sender, String output) {
        StreamsBuilder builder = new StreamsBuilder();
        byStation(builder, sender)
                .windowedBy(TimeWindows.ofSizeWithNoGrace(MINUTE))
                .count(Materialized.with(Serdes.String(), Serdes.Long()))
                .suppress(Suppressed.untilWindowCloses(Suppressed.BufferConfig.unbounded()))
                .toStream()
                .map(WeatherTopologies::named)
                .to(output, Produced.with(Serdes.String(), Serdes.Long()));
        return builder.build();
    }

    /** The warmest report of each station, as a table in {@link #WARMEST}; its times are those of the reports. */
    static Topology warmest(String sender) {
        StreamsBuilder builder = new StreamsBuilder();
        byStation(builder, sender)
                .reduce(
                        (one, other) -> WeatherReport.of(one).fahrenheit()
                                        < WeatherReport.of(other).fahrenheit()
                                ? other
                                : one,
                        Materialized.as(WARMEST));
        return builder.build();
    }

    private static KGroupedStream<String, byte[]> byStation(StreamsBuilder builder, String sender) {
        return builder.stream(
                        "dev",
                        Consumed.with(Serdes.ByteArray(), Serdes.ByteArray())
                                .withTimestampExtractor(WeatherReport::time))
                .filter((key, body) -> {
                    WeatherReport report = WeatherReport.of(body);
                    return report != null && report.sender().equals(sender);
                })
                .groupBy(
                        (key, body) -> WeatherReport.of(body).station(),
                        Grouped.with(Serdes.String(), Serdes.ByteArray()));
    }

    private static KeyValue<String, Long> named(Windowed<String> station, Long count) {
        return KeyValue.pair(station.key() + "@" + station.window().startTime(), count);
    }
}

package headrace;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/** A weather report as it travels through the hub {@code dev}: JSON, its key and its time in the body. */
record WeatherReport(String station, double fahrenheit, Instant at, String sender) {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** The report in a record's value; null when it is something else. */
    static WeatherReport of(byte[] body) {
        try {
            JsonNode event = JSON.readTree(body);
            if (!event.path("kind").asText().equals("weather")) {
                return null;
            }
            return new WeatherReport(
                    event.path("station").asText(),
                    event.path("temperature_f").asDouble(),
                    Instant.ofEpochMilli((long) (event.path("epoch").asDouble() * 1000)),
                    event.path("sender").asText());
        } catch (IOException | IllegalArgumentException notJson) {
            return null;
        }
    }

    byte[] body() {
        return JSON.createObjectNode()
                .put("kind", "weather")
                .put("station", station)
                .put("temperature_f", fahrenheit)
                .put("humidity", 40)
                .put("epoch", at.toEpochMilli() / 1000.0)
                .put("sender", sender)
                .toString()
                .getBytes(StandardCharsets.UTF_8);
    }

    /** When the report of a record was made; a record without one has its own time. */
    static long time(ConsumerRecord<Object, Object> record, long partitionTime) {
        WeatherReport report = of((byte[]) record.value());
        return report == null ? record.timestamp() : report.at().toEpochMilli();
    }
}

"""The worked examples of Microsoft's "Parse JSON and Avro data", re-typed: query, input, output.

Source: https://learn.microsoft.com/azure/stream-analytics/stream-analytics-parsing-json
"""

from __future__ import annotations

from tests.unit.asa_queries import run

DEVICE = {
    "DeviceId": "12345",
    "Location": {"Lat": 47, "Long": 122},
    "SensorReadings": {
        "Temperature": 80,
        "Humidity": 70,
        "CustomSensor01": 5,
        "CustomSensor02": 99,
        "CustomSensor03": [12, -5, 0],
        "SensorMetadata": {"Manufacturer": "ABC", "Version": "1.2.45"},
    },
    "SensorMetadata": [
        {"smKey": "Manufacturer", "smValue": "ABC"},
        {"smKey": "Version", "smValue": "1.2.45"},
    ],
}


def test_nested_fields() -> None:
    rows = run(
        """
        SELECT
            DeviceID,
            Location.Lat,
            Location.Long,
            SensorReadings.Temperature,
            SensorReadings.SensorMetadata.Version
        FROM input
        """,
        input=[DEVICE],
    )
    assert rows["output"] == [{"DeviceID": "12345", "Lat": 47, "Long": 122, "Temperature": 80, "Version": "1.2.45"}]


def test_all_properties_of_a_record() -> None:
    rows = run("SELECT DeviceID, Location.* FROM input", input=[DEVICE])
    assert rows["output"] == [{"DeviceID": "12345", "Lat": 47, "Long": 122}]


def test_a_property_whose_name_is_reference_data() -> None:
    """The page's table has the humidity row, whose value is above its threshold."""
    thresholds = [
        {"DeviceId": "12345", "SensorName": "Temperature", "Value": 85},
        {"DeviceId": "12345", "SensorName": "Humidity", "Value": 65},
    ]
    rows = run(
        """
        SELECT
            input.DeviceID,
            thresholds.SensorName,
            'Alert : Sensor above threshold' AS AlertMessage
        FROM input      -- stream input
        JOIN thresholds -- reference data input
        ON
            input.DeviceId = thresholds.DeviceId
        WHERE
            GetRecordPropertyValue(input.SensorReadings, thresholds.SensorName) > thresholds.Value
        """,
        {"thresholds": thresholds},
        input=[DEVICE],
    )
    assert rows["output"] == [
        {"DeviceID": "12345", "SensorName": "Humidity", "AlertMessage": "Alert : Sensor above threshold"}
    ]


def test_record_fields_as_events() -> None:
    rows = run(
        """
        SELECT
            event.DeviceID,
            sensorReading.PropertyName,
            sensorReading.PropertyValue
        FROM input as event
        CROSS APPLY GetRecordProperties(event.SensorReadings) AS sensorReading
        """,
        input=[DEVICE],
    )["output"]
    assert [(row["PropertyName"], row["PropertyValue"]) for row in rows] == list(DEVICE["SensorReadings"].items())  # type: ignore[attr-defined]
    assert {row["DeviceID"] for row in rows} == {"12345"}


def test_record_fields_to_several_outputs() -> None:
    rows = run(
        """
        WITH Stage0 AS
        (
            SELECT
                event.DeviceID,
                sensorReading.PropertyName,
                sensorReading.PropertyValue
            FROM input as event
            CROSS APPLY GetRecordProperties(event.SensorReadings) AS sensorReading
        )

        SELECT DeviceID, PropertyValue AS Temperature INTO TemperatureOutput FROM Stage0
        WHERE PropertyName = 'Temperature'
        SELECT DeviceID, PropertyValue AS Humidity INTO HumidityOutput FROM Stage0 WHERE PropertyName = 'Humidity'
        """,
        input=[DEVICE],
    )
    assert rows == {
        "TemperatureOutput": [{"DeviceID": "12345", "Temperature": 80}],
        "HumidityOutput": [{"DeviceID": "12345", "Humidity": 70}],
    }


def test_an_element_and_the_length_of_an_array() -> None:
    rows = run(
        """
        SELECT
            GetArrayElement(SensorReadings.CustomSensor03, 0) AS firstElement,
            SensorReadings.CustomSensor03[1] AS secondElement,
            GetArrayElement(SensorReadings.CustomSensor03, 3) AS fourthElement,
            GetArrayLength(SensorReadings.CustomSensor03) AS arrayLength
        FROM input
        """,
        input=[DEVICE],
    )
    assert rows["output"] == [{"firstElement": 12, "secondElement": -5, "fourthElement": None, "arrayLength": 3}]


def test_array_elements_as_events() -> None:
    rows = run(
        """
        SELECT
            DeviceId,
            CustomSensor03Record.ArrayIndex,
            CustomSensor03Record.ArrayValue
        FROM input
        CROSS APPLY GetArrayElements(SensorReadings.CustomSensor03) AS CustomSensor03Record
        """,
        input=[DEVICE],
    )
    assert rows["output"] == [
        {"DeviceId": "12345", "ArrayIndex": 0, "ArrayValue": 12},
        {"DeviceId": "12345", "ArrayIndex": 1, "ArrayValue": -5},
        {"DeviceId": "12345", "ArrayIndex": 2, "ArrayValue": 0},
    ]


def test_records_in_an_array_as_columns() -> None:
    rows = run(
        """
        WITH DynamicCTE AS (
            SELECT
                i.DeviceId,
                SensorMetadataRecords.ArrayValue.smKey as smKey,
                SensorMetadataRecords.ArrayValue.smValue as smValue
            FROM input i
            CROSS APPLY GetArrayElements(SensorMetadata) AS SensorMetadataRecords
        )

        SELECT
            i.DeviceId,
            i.Location.*,
            V.smValue AS 'smVersion',
            M.smValue AS 'smManufacturer'
        FROM input i
        LEFT JOIN DynamicCTE V
            ON V.smKey = 'Version' and V.DeviceId = i.DeviceId AND DATEDIFF(minute,i,V) BETWEEN 0 AND 0
        LEFT JOIN DynamicCTE M
            ON M.smKey = 'Manufacturer' and M.DeviceId = i.DeviceId AND DATEDIFF(minute,i,M) BETWEEN 0 AND 0
        """,
        input=[DEVICE],
    )
    assert rows["output"] == [
        {"DeviceId": "12345", "Lat": 47, "Long": 122, "smVersion": "1.2.45", "smManufacturer": "ABC"}
    ]


def test_outer_apply_keeps_an_event_without_elements() -> None:
    events = [{"id": 1, "a": []}, {"id": 2}, {"id": 3, "a": None}, {"id": 4, "a": [None]}]
    query = "SELECT id, e.ArrayIndex, e.ArrayValue FROM input {} APPLY GetArrayElements(a) AS e"
    assert run(query.format("CROSS"), input=events)["output"] == [{"id": 4, "ArrayIndex": 0, "ArrayValue": None}]
    assert [row["ArrayIndex"] for row in run(query.format("OUTER"), input=events)["output"]] == [None, None, None, 0]


def test_what_has_no_row_has_nulls_where_the_query_says_its_columns() -> None:
    """Source: https://learn.microsoft.com/stream-analytics-query/apply-azure-stream-analytics"""
    events = [{"id": 1, "r": {"a": 5}}, {"id": 2}]
    rows = run("SELECT id, e.* FROM input OUTER APPLY GetRecordProperties(r) AS e", input=events)
    assert rows["output"] == [
        {"id": 1, "PropertyName": "a", "PropertyValue": 5},
        {"id": 2, "PropertyName": None, "PropertyValue": None},
    ]
    query = """
        WITH ones AS (SELECT id, t FROM input TIMESTAMP BY t WHERE id = 1),
        twos AS (SELECT id AS other, ID AS same FROM input TIMESTAMP BY t WHERE id = 2)
        SELECT ones.*, twos.* FROM ones LEFT JOIN twos ON DATEDIFF(second, ones, twos) BETWEEN 0 AND 5"""
    events = [{"id": 1, "t": "2026-01-01T00:00:00Z"}, {"id": 2, "t": "2026-01-01T00:00:09Z"}]
    assert run(query, input=events)["output"] == [{**events[0], "other": None, "same": None}]


def test_cross_join_has_every_row_of_reference_data() -> None:
    """Source: https://azure.microsoft.com/updates/new-language-functions-in-stream-analytics/"""
    rows = run(
        "SELECT i.id, r.name FROM input i CROSS JOIN names r WHERE i.id > 1",
        {"names": [{"name": "x"}, {"name": "y"}]},
        input=[{"id": 1}, {"id": 2}],
    )
    assert rows["output"] == [{"id": 2, "name": "x"}, {"id": 2, "name": "y"}]

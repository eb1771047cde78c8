"""Azure Stream Analytics on a laptop: the job's query over event time, from its inputs to its outputs."""

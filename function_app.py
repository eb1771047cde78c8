"""The function app: registers the blueprints of `functions/`, one file per function, and nothing else."""

import azure.functions as func

from functions import (
    enrich_places,
    enrich_seismic,
    enrich_weather,
    health,
    ingest,
    split,
    store_dead_letters,
    store_documents,
    store_files,
)

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)

for module in (
    ingest,
    health,
    split,
    enrich_places,
    enrich_weather,
    enrich_seismic,
    store_documents,
    store_files,
    store_dead_letters,
):
    app.register_functions(module.blueprint)

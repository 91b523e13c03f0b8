"""The Azure Functions app: registers the blueprints, and nothing else."""

import azure.functions as func

from functions import (
    backup,
    callbacks,
    dead_letters,
    deployments,
    events,
    flag_documents,
    flag_management,
    observations,
    ofrep,
    overrides,
    plans,
    releases,
    rollouts,
    upkeep,
    views,
)

app = func.FunctionApp()

for module in (
    backup,
    callbacks,
    dead_letters,
    deployments,
    events,
    flag_documents,
    flag_management,
    observations,
    ofrep,
    overrides,
    plans,
    releases,
    rollouts,
    upkeep,
    views,
):
    app.register_functions(module.blueprint)

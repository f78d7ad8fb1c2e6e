"""Every route, asked by a machine that has read nothing but the OpenAPI document."""

import schemathesis
from digitvision.app import create_app
from digitvision.app.schemas import openapi
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS

DOCUMENT = schemathesis.openapi.from_dict(openapi())  # read from its address, it would not be asked
DOCUMENT.app = create_app()
# A schema cannot say what a picture is: most of what it calls a data URL is none, and refused.
NOT_OURS = CHECKS.get_by_names(["positive_data_acceptance"])


@DOCUMENT.parametrize()
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_route_does_what_the_document_says(case):
    case.call_and_validate(excluded_checks=NOT_OURS)

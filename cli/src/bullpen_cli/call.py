"""`bullpen call`: any method of the daemon by reflection, JSON in and JSON out."""

from __future__ import annotations

import json
import sys
from typing import Any

import click
import grpc
from bullpen_client import errors, read_endpoint
from bullpen_client.channel import OPTIONS
from bullpen_client.connect import no_daemon
from google.protobuf.message_factory import GetMessageClass

from bullpen_cli import output
from bullpen_cli.command import Command, State, pass_state
from bullpen_cli.reflection import Method, Services


def _answers(channel: grpc.Channel, method: Method, requests: list[Any], token: str) -> Any:
    """Calls the method; iterates over its answers."""
    d = method.descriptor
    kind = f"{'stream' if d.client_streaming else 'unary'}_{'stream' if d.server_streaming else 'unary'}"
    caller = getattr(channel, kind)(
        method.path,
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=GetMessageClass(d.output_type).FromString,
    )
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    answer = caller(iter(requests) if d.client_streaming else requests[0], metadata=metadata)
    return answer if d.server_streaming else [answer]


def _write(message: Any, pretty: bool) -> None:
    sys.stdout.write(json.dumps(output.as_dict(message), ensure_ascii=False, indent=2 if pretty else None) + "\n")
    sys.stdout.flush()


@click.command(
    cls=Command,
    examples=[
        "bullpen call --list",
        "bullpen call --list RunService",
        "bullpen call bullpen.v1.ProjectService/ListProjects",
        """bullpen call bullpen.v1.RunService/ListRuns '{"parent":"projects/harbor_lights"}'""",
        """bullpen call bullpen.v1.EventService/Watch '{"after_revision":0}' | head""",
        "bullpen call bullpen.v1.RunService/PlanRun - < request.json",
    ],
)
@click.argument("method", required=False)
@click.argument("request_json", metavar="[JSON|-]", required=False, default="{}")
@click.option("--list", "listing", is_flag=True, help="List methods; METHOD may name a service.")
@click.option("--pretty", is_flag=True, help="Indent the JSON.")
@pass_state
def call(state: State, method: str | None, request_json: str, listing: bool, pretty: bool) -> None:
    """Call any method of the daemon.

    METHOD is such as bullpen.v1.RunService/ListRuns. Without JSON the request is empty; `-` reads it from stdin; a
    method that takes a stream takes a JSON array. Each answer is one line of JSON; a typed error is one JSON object
    on stderr.
    """
    if not listing and not method:
        raise click.UsageError("name a method, or give --list.")
    as_text = listing and not state.json
    state.json = True
    endpoint = read_endpoint(state.home)
    if endpoint is None:
        raise no_daemon(state.home)
    try:
        with grpc.insecure_channel(endpoint.address, options=OPTIONS) as channel:
            services = Services(channel)
            if listing:
                _list(services, method or "", as_text=as_text)
                return
            found = services.method(method or "")
            text = sys.stdin.read() if request_json == "-" else request_json
            for answer in _answers(channel, found, found.requests(text), endpoint.token):
                _write(answer, pretty)
    except grpc.RpcError as error:
        raise errors.from_rpc(error) from None


def _list(services: Services, service: str, *, as_text: bool) -> None:
    methods = list(services.methods(service))
    if not as_text:
        output.emit({"methods": [method.path[1:] for method in methods]})
        return
    for method in methods:
        click.echo(method.signature)

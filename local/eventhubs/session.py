"""One AMQP session: its windows, and the links on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from local.eventhubs import cbs, frames, management, performatives, serial
from local.eventhubs.consumer_link import ConsumerLink
from local.eventhubs.errors import INVALID_FIELD, NOT_FOUND, LinkFault, SessionFault
from local.eventhubs.link import Link
from local.eventhubs.namespace import path_segments
from local.eventhubs.performatives import Performative
from local.eventhubs.producer_link import ProducerLink
from local.eventhubs.request import Request
from local.eventhubs.request_link import RequestLink, ResponseLink

if TYPE_CHECKING:
    from local.eventhubs.connection import Connection

# Transfers that the peer may send ahead; link credit is what really holds it back.
_INCOMING_WINDOW = 65_536
_OUTGOING_WINDOW = 65_536


class Session:
    """A session, from our side.

    Attributes:
        window: how many transfer frames the peer still takes.
    """

    def __init__(self, connection: Connection, channel: int, begin: Performative) -> None:
        self.connection = connection
        self.channel = channel
        self._links: dict[int, Link] = {}
        self._ended_links: set[int] = set()
        self._next_incoming = begin.number(1)
        self.window = begin.number(2)
        self._next_outgoing = 0
        self._next_delivery = 0
        self._since_flow = 0
        self.send(performatives.begin(channel, self._next_outgoing, _INCOMING_WINDOW, _OUTGOING_WINDOW))

    def send(self, performative: bytes) -> None:
        self.connection.write(frames.frame(self.channel, performative))

    def send_flow(self, handle: int | None, delivery_count: int = 0, credit: int = 0, *, drain: bool = False) -> None:
        """Tell the peer our windows, and a link's credit when `handle` is given."""
        self._since_flow = 0
        self.send(
            performatives.flow(
                self._next_incoming, _INCOMING_WINDOW, self._next_outgoing, _OUTGOING_WINDOW, handle=handle,
                delivery_count=None if handle is None else delivery_count, credit=None if handle is None else credit,
                drain=drain,
            )
        )  # fmt: skip

    def next_delivery(self, transfer_frames: int) -> int:
        """The id of a delivery that takes so many transfer frames."""
        delivery = self._next_delivery
        self._next_delivery = serial.add(delivery, 1)
        self._next_outgoing = serial.add(self._next_outgoing, transfer_frames)
        self.window -= transfer_frames
        return delivery

    @property
    def links(self) -> list[Link]:
        return list(self._links.values())

    def forget(self, link: Link) -> None:
        """We detached `link`: what the peer still sends on it is to be ignored until it detaches too."""
        if self._links.pop(link.handle, None):
            self._ended_links.add(link.handle)

    def release(self) -> None:
        """The session, or the connection, is gone."""
        for link in self.links:
            link.release()
        self._links.clear()

    def handle(self, performative: Performative) -> None:
        """One frame of this session.

        Raises:
            SessionFault: it ends the session.
            ConnectionFault: it ends the connection.
        """
        code = performative.code
        if code == performatives.TRANSFER:
            self._on_transfer(performative)
        elif code == performatives.FLOW:
            self._on_flow(performative)
        elif code == performatives.ATTACH:
            self._on_attach(performative)
        elif code == performatives.DETACH:
            self._on_detach(performative)
        elif code != performatives.DISPOSITION:
            raise SessionFault(f"performative 0x{code:02x} has no place on a session", "amqp:illegal-state")

    def _on_transfer(self, transfer: Performative) -> None:
        self._next_incoming = serial.add(self._next_incoming, 1)
        self._since_flow += 1
        link = self._link(transfer)
        if link is not None:
            self._guard(link, link.on_transfer, transfer)
        if self._since_flow >= _INCOMING_WINDOW // 2:
            self.send_flow(None)

    def _on_flow(self, flow: Performative) -> None:
        # Null until the peer has seen our Begin, when it counts from our first id.
        peer_next = flow.number(0, 0)
        self.window = flow.number(1) + serial.difference(peer_next, self._next_outgoing)
        if flow.get(4) is None:
            for each in self.links:
                each.resume()
            if flow.flag(9):
                self.send_flow(None)
            return
        link = self._link(flow, 4)
        if link is not None:
            self._guard(link, link.on_flow, flow)

    def _link(self, performative: Performative, field: int = 0) -> Link | None:
        handle = performative.number(field)
        link = self._links.get(handle)
        if link is None and handle not in self._ended_links:
            raise SessionFault(f"no link is attached on handle {handle}", "amqp:session:unattached-handle")
        return link

    def _guard(self, link: Link, handler: Callable[[Performative], None], performative: Performative) -> None:
        try:
            handler(performative)
        except LinkFault as fault:
            link.detach(fault)

    def _on_detach(self, detach: Performative) -> None:
        handle = detach.number(0)
        link = self._links.pop(handle, None)
        if link is not None:
            link.release()
            self.send(performatives.detach(handle, None))
        self._ended_links.discard(handle)

    def _on_attach(self, attach: Performative) -> None:
        handle = attach.number(1)
        if handle in self._links:
            raise SessionFault(f"handle {handle} is in use", "amqp:session:handle-in-use")
        if handle > performatives.HANDLE_MAX:
            raise SessionFault(f"handle {handle} is over {performatives.HANDLE_MAX}", "amqp:resource-limit-exceeded")
        attach.text(0)
        self._ended_links.discard(handle)
        from_client = not attach.flag(2)
        try:
            self._links[handle] = self._open(attach, from_client)
        except LinkFault as fault:
            role = performatives.RECEIVER if from_client else performatives.SENDER
            self.send(performatives.attach(attach, role=role, refused=True))
            self.send(performatives.detach(handle, fault))
            self._ended_links.add(handle)

    def _open(self, attach: Performative, from_client: bool) -> Link:
        terminus = performatives.terminus(attach.get(6 if from_client else 5))
        address = terminus[0] if terminus else None
        if not isinstance(address, str):
            raise LinkFault("the link's source or target has no address", INVALID_FIELD)
        segments = path_segments(address)
        node = segments[-1].lower()
        if node == cbs.NODE:
            return RequestLink(self, attach, node, self._put_token) if from_client else ResponseLink(self, attach, node)
        if node == management.NODE:
            return RequestLink(self, attach, node, self._manage) if from_client else ResponseLink(self, attach, node)
        path = tuple(segment.lower() for segment in segments)
        self.connection.authorise(path)
        return self._open_producer(attach, segments) if from_client else self._open_consumer(attach, segments)

    def _open_producer(self, attach: Performative, segments: list[str]) -> Link:
        hub = self.connection.namespace.hub(segments[0])
        path = tuple(segment.lower() for segment in segments)
        if len(segments) == 1:
            return ProducerLink(self, attach, path, hub, None)
        if len(segments) == 3 and path[1] == "partitions":
            return ProducerLink(self, attach, path, hub, hub.partition(segments[2]))
        raise LinkFault(f"'{'/'.join(segments)}' is neither a hub nor hub/Partitions/N", NOT_FOUND)

    def _open_consumer(self, attach: Performative, segments: list[str]) -> Link:
        namespace = self.connection.namespace
        hub = namespace.hub(segments[0])
        path = tuple(segment.lower() for segment in segments)
        if len(segments) != 5 or path[1] != "consumergroups" or path[3] != "partitions":
            raise LinkFault(f"'{'/'.join(segments)}' is not hub/ConsumerGroups/G/Partitions/N", NOT_FOUND)
        group = namespace.consumer_group(hub, segments[2])
        partition = hub.partition(segments[4])
        place = f"hub {hub.name}, consumer group {group}, partition {partition.index}"
        return ConsumerLink(self, attach, path, partition, place)

    def _put_token(self, request: Request) -> bytes:
        return self.connection.put_token(request)

    def _manage(self, request: Request) -> bytes:
        return management.answer(request, self.connection.namespace, self.connection.authorise_request)

    def respond(self, node: str, reply_to: str | None, response: bytes) -> None:
        """Send an answer on the link that the request names, or else on the session's receiver of that node.

        Raises:
            LinkFault: there is no such link.
        """
        links = [link for link in self._links.values() if isinstance(link, ResponseLink) and link.node == node]
        for link in links:
            if reply_to is not None and link.address == reply_to:
                link.send(response)
                return
        if not links:
            raise LinkFault(f"no link receives the answers of {node}", NOT_FOUND)
        links[-1].send(response)

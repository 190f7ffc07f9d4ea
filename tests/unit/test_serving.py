"""How the service listens."""

import socket

from grader.commands.serving import listen


def test_an_answer_never_waits_for_the_other_side() -> None:
    """Without this the second part of an answer waits for an acknowledgement, 40 ms on most machines."""
    with listen("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

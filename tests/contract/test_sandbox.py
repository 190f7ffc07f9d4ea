"""What every sandbox promises about a process that behaves, and about one that asks for more than its limits."""

import threading
import time

import pytest

from tests.contract.sandboxed import SMALL, SOON, said, start
from worker.limits import MIB, Limits
from worker.sandbox import OutputTooLarge, Role, Running, Sandbox
from worker.sandbox.bubblewrap import Bubblewrap
from worker.sandbox.inside import ENVIRONMENT


def test_input_goes_in_and_lines_come_out(sandbox: Sandbox) -> None:
    with sandbox.cell() as cell:
        code = "import sys; print(sys.stdin.read().upper()); print('end', end='')"
        process = cell.start(Role.GUEST, ["python", "-c", code], b"hello\nyou", SMALL)
        assert [process.read_line(SOON) for _ in range(4)] == [b"HELLO", b"YOU", b"end", None]
        assert process.wait(SOON).code == 0


def test_the_interpreter_is_ours_and_the_guest_has_numpy(sandbox: Sandbox) -> None:
    code = "import sys, numpy, json; print(json.dumps([list(sys.version_info[:2]), float(numpy.ones(3).sum())]))"
    with sandbox.cell() as cell:
        version, total = said(cell, code)
    assert version >= [3, 11]
    assert total == 3.0


@pytest.mark.parametrize("role", [Role.JUDGE, Role.JOINED])
def test_who_has_a_spec_runs_pytest_with_its_report(sandbox: Sandbox, role: Role) -> None:
    code = """
        import contextlib, json, pathlib, pytest, sys
        pathlib.Path("test_a.py").write_text("import numpy\\ndef test_a(tmp_path): assert numpy.ones(2).sum() == 2")
        with contextlib.redirect_stdout(sys.stderr):
            code = pytest.main(["--json-report", "--json-report-file=report.json"])
        print(json.dumps([int(code), json.loads(pathlib.Path("report.json").read_text())["summary"]["passed"]]))
    """
    with sandbox.cell() as cell:
        assert said(cell, code, role=role) == [0, 1]


@pytest.mark.bubblewrap
def test_the_guest_has_no_pytest_even_if_it_looks_for_it() -> None:
    code = """
        import json, os, sys, sysconfig
        sys.path += [sysconfig.get_path("purelib"), "/usr/lib/python3/dist-packages"]
        def there(name):
            try:
                __import__(name)
            except ImportError:
                return False
            return True
        print(json.dumps([there(name) for name in ("pytest", "_pytest", "pip", "worker", "grader", "numpy")]))
    """
    with Bubblewrap().cell() as cell:
        assert said(cell, code) == [False, False, False, False, False, True]


def test_judge_and_guest_talk_over_a_socket_in_the_channel(sandbox: Sandbox) -> None:
    judge_code = """
        import os, socket
        listener = socket.socket(socket.AF_UNIX)
        os.umask(0)
        listener.bind("/channel/talk")
        listener.listen(1)
        print("listening", flush=True)
        connection, _ = listener.accept()
        os.unlink("/channel/talk")
        connection.sendall(b"question")
        print(connection.recv(100).decode(), flush=True)
    """
    guest_code = """
        import os, socket
        try:
            open("/channel/mine", "w")
            os._exit(3)
        except OSError:
            pass
        connection = socket.socket(socket.AF_UNIX)
        connection.connect("/channel/talk")
        connection.sendall(b"answer to " + connection.recv(100))
    """
    with sandbox.cell() as cell:
        judge = start(cell, judge_code, role=Role.JUDGE)
        assert judge.read_line(SOON) == b"listening", judge.stderr_tail()
        guest = start(cell, guest_code)
        assert guest.wait(SOON).code == 0, guest.stderr_tail()
        assert judge.read_line(SOON) == b"answer to question", judge.stderr_tail()


def test_two_cells_do_not_share_a_channel(sandbox: Sandbox) -> None:
    with sandbox.cell() as one, sandbox.cell() as other:
        code = "open('/channel/mark', 'w').write('1'); print('written', flush=True); import time; time.sleep(60)"
        assert start(one, code, role=Role.JUDGE).read_line(SOON) == b"written"
        looked = "import os, json; print(json.dumps(os.path.exists('/channel/mark')))"
        assert said(one, looked) is True
        assert said(other, looked, role=Role.JUDGE) is False


def test_the_environment_is_exactly_ours(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADER_SECRET", "do not pass on")
    code = """
        import json, os
        fds = [int(fd) for fd in os.listdir("/proc/self/fd")]
        print(json.dumps([dict(os.environ), os.getcwd(), os.getpid(), os.getsid(0), [fd for fd in fds if fd > 3]]))
    """
    with sandbox.cell() as cell:
        environment, folder, pid, session, descriptors = said(cell, code)
    assert environment.pop("PYTHONPATH", "/opt/site") == "/opt/site"
    assert environment == dict(ENVIRONMENT)
    assert (folder, pid, session, descriptors) == ("/work", 1, 1, [])


def test_exit_codes_and_signals_are_told_apart(sandbox: Sandbox) -> None:
    with sandbox.cell() as cell:
        assert start(cell, "raise SystemExit(7)").wait(SOON).code == 7
        segfault = start(cell, "import ctypes; ctypes.string_at(0)").wait(SOON)
        assert (segfault.code, segfault.out_of_memory) == (-11, False)
        killed = start(cell, "import time; time.sleep(60)")
        killed.kill()
        assert killed.wait(SOON).code == -9


def test_standard_error_is_kept_to_its_tail(sandbox: Sandbox) -> None:
    with sandbox.cell() as cell:
        process = start(cell, "import sys; sys.stderr.write('x' * 3_000_000 + 'the end'); print('done')")
        assert process.read_line(SOON) == b"done"
        process.wait(SOON)
        process.kill()
        tail = process.stderr_tail()
    assert tail.endswith("the end")
    assert len(tail) <= 16 * 1024


def test_a_silent_process_times_out_and_a_late_line_is_whole(sandbox: Sandbox) -> None:
    with sandbox.cell() as cell:
        code = "print('a'); print('half', end='', flush=True); input(); print('+rest')"
        process = cell.start(Role.GUEST, ["python", "-c", code], b"", SMALL, more=True)
        assert process.read_line(SOON) == b"a"
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            process.read_line(0.3)
        assert 0.25 < time.monotonic() - began < 1.5
        with pytest.raises(TimeoutError):
            process.wait(0.1)
        process.feed(b"go on\n")
        assert process.read_line(SOON) == b"half+rest"


def test_a_flood_is_stopped(sandbox: Sandbox) -> None:
    limits = Limits(memory_mib=128, output_bytes=MIB, line_bytes=1024)
    with sandbox.cell() as cell:
        process = start(cell, "while True: print('y' * 100)", limits=limits)
        with pytest.raises(OutputTooLarge, match="output"):
            while process.read_line(SOON):
                pass
        process.wait(SOON)
        with pytest.raises(OutputTooLarge):
            process.read_line(SOON)


def test_an_endless_line_is_stopped(sandbox: Sandbox) -> None:
    with sandbox.cell() as cell:
        process = start(cell, "while True: print('y', end='')", limits=Limits(memory_mib=128, line_bytes=100_000))
        with pytest.raises(OutputTooLarge, match="line"):
            process.read_line(SOON)
        process.wait(SOON)


def test_input_nobody_reads_blocks_nobody(sandbox: Sandbox) -> None:
    before = threading.active_count()
    with sandbox.cell() as cell:
        began = time.monotonic()
        code = "print('up', flush=True); import time; time.sleep(60)"
        process = cell.start(Role.GUEST, ["python", "-c", code], b"x" * 8 * MIB, SMALL)
        assert process.read_line(SOON) == b"up"
        process.kill()
        process.kill()
        assert time.monotonic() - began < SOON
    assert threading.active_count() <= before + 1  # the one thread that starts processes stays


def test_a_process_outlives_the_thread_that_started_it(sandbox: Sandbox) -> None:
    with sandbox.cell() as cell:
        started: list[Running] = []
        code = "import time; time.sleep(0.5); print('still here')"
        thread = threading.Thread(target=lambda: started.append(start(cell, code)))
        thread.start()
        thread.join()
        assert started[0].read_line(SOON) == b"still here"

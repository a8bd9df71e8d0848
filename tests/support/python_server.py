"""python_server.py SOCKET: runs scripts of tests/integration for python_client.py, each in a fork of this process, which has mth5 and
aurora imported already: that is most of the time such a script takes. A connection brings arguments, environment, folder and the three
standard files of the client, and gets the exit code; where the client ends first, its script is killed."""
import gc
import json
import os
import runpy
import select
import signal
import socket
import sys
import traceback
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import aurora.config.config_creator
    import aurora.pipelines.process_mth5
    import mth5.mth5
    import mth5.utils.mth5_validator
    import scipy.signal


def run(request, files):
    """The script, in a process that is this script's only. Never returns."""
    os.setsid()
    for wanted, given in enumerate(files):
        os.dup2(given, wanted)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = request["arguments"]
    sys.path.insert(0, os.path.dirname(sys.argv[0]))
    code = 0
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
        code = 1
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except OSError:
                code = 120
    os._exit(code)


def serve_one(connection):
    message, files, _, _ = socket.recv_fds(connection, 1 << 20, 3)
    script = os.fork()
    if script == 0:
        run(json.loads(message), files)
    handle = os.pidfd_open(script)
    ready, _, _ = select.select([connection, handle], [], [])
    if handle not in ready:
        os.killpg(script, signal.SIGKILL)
    _, status = os.waitpid(script, 0)
    try:
        connection.sendall(bytes([os.waitstatus_to_exitcode(status) & 0xFF]))
    except OSError:
        pass  # the client has ended
    os._exit(0)


def main():
    path = sys.argv[1]
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    server.bind(path)
    server.listen(64)
    gc.collect()
    gc.freeze()  # or each fork would copy what it looks at
    print("ready", flush=True)
    while True:
        connection, _ = server.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            server.close()
            serve_one(connection)
        connection.close()


main()

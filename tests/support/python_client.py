"""python_client.py PYTHON SCRIPT [ARGUMENT...]: runs a script of tests/integration in the server that scripts/test.sh has started
(MTH5_TEST_PYTHON_SERVER, its socket; python_server.py), and everything else, or all of it without a server, by PYTHON itself."""
import json
import os
import socket
import sys

python, *arguments = sys.argv[1:]
server = os.environ.get("MTH5_TEST_PYTHON_SERVER")
if not server or not arguments or "/tests/integration/" not in arguments[0]:
    os.execv(python, [python, *arguments])
connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
connection.connect(server)
request = {"arguments": arguments, "environment": dict(os.environ), "folder": os.getcwd()}
socket.send_fds(connection, [json.dumps(request).encode()], [0, 1, 2])
answer = connection.recv(1)
sys.exit(answer[0] if answer else 1)

#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A session of one line at a time, for tests that must know whether a live session is whole.

session.py serve PORT             echoes lines by TCP and UDP
session.py talk tcp|udp HOST PORT  one session; each line of standard input is sent, and said again when its echo came
session.py open COUNT HOST PORT    that many connections, one after the other, each with an echo; tells how many were whole
"""
import select
import socket
import sys


def serve(port):
    listener = socket.create_server(("", port))
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind(("", port))
    open_sockets = [listener, datagrams]
    while True:
        for ready in select.select(open_sockets, [], [])[0]:
            if ready is listener:
                open_sockets.append(listener.accept()[0])
            elif ready is datagrams:
                data, peer = datagrams.recvfrom(2048)
                datagrams.sendto(data, peer)
            else:
                data = ready.recv(2048)
                if data:
                    ready.sendall(data)
                else:
                    open_sockets.remove(ready)
                    ready.close()


def talk(kind, host, port):
    session = socket.socket(socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
    session.connect((host, port))
    # a datagram may be lost and is said again; TCP does that by itself
    patience = 10 if kind == "tcp" else 0.2
    for line in sys.stdin:
        for _ in range(1 if kind == "tcp" else 50):
            session.send(line.encode())
            if select.select([session], [], [], patience)[0]:
                print(session.recv(2048).decode(), end="", flush=True)
                break
        else:
            sys.exit(f"{kind}: no answer to {line}")


def open_many(count, host, port):
    whole = 0
    for _ in range(count):
        try:
            with socket.create_connection((host, port), 5) as session:
                session.sendall(b"hello\n")
                whole += session.recv(2048) == b"hello\n"
        except OSError:
            pass
    print(whole)


if sys.argv[1] == "serve":
    serve(int(sys.argv[2]))
elif sys.argv[1] == "open":
    open_many(int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
else:
    talk(sys.argv[2], sys.argv[3], int(sys.argv[4]))

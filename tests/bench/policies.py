# SPDX-License-Identifier: BSD-3-Clause
"""The policies that cases run under, written for the occasion. The rule that lets the bench's traffic pass is the last."""

HEAD = """version: 1
name: bench
networks:
  bench:
    segments:
      web: { port: trunk, vlan: 101 }
      app: { port: trunk, vlan: 102 }
"""

# the bench asks for more than any default limit gives one segment
TAIL = """default: { action: deny }
limits: { flows: 100%, embryonic: 100%, new-flows: 1000M/s }
"""

SERVICE = "  - { name: service, from: web, to: app, service: [udp/5000], action: allow }\n"


def noise_rule(number):
    """A rule like those of a real policy: it asks for hosts that the traffic has, and for a service that it has not."""
    client, server = number % 250 + 1, number // 250 % 250 + 1
    kind = ("tcp", "udp")[number % 2]
    return (f"  - {{ name: rule-{number}, from: {{ address: 10.10.1.{client} }}, to: {{ address: 10.10.2.{server} }}, "
            f"service: [{kind}/{6000 + number % 97}], action: allow }}\n")


def rules(count):
    """count rules, the last of which matches."""
    return HEAD + "rules:\n" + "".join(noise_rule(n) for n in range(count - 1)) + SERVICE + TAIL


OFF = "classification: off\n"
SHORT = "flows: { timeouts: { udp: 1s, udp-stream: 1s } }\n"

# what is left open until nDPI gives up on what nothing has
PENDING = "  - { name: service, from: web, to: app, service: [udp/5000], application: [dns, unknown], action: allow }\n"

POLICIES = {
    "one-rule": lambda: rules(1) + OFF,
    "classified": lambda: rules(1),
    "short": lambda: rules(1) + OFF + SHORT,
    "tcp": lambda: HEAD + "rules:\n" + SERVICE.replace("udp", "tcp") + TAIL + OFF + "flows: { mid-stream: { pick-up: always } }\n",
    "setup-10": lambda: rules(10) + OFF + SHORT,
    "setup-1k": lambda: rules(1000) + OFF + SHORT,
    "setup-10k": lambda: rules(10000) + OFF + SHORT,
    "pending": lambda: HEAD + "rules:\n" + PENDING + TAIL + SHORT + "classification: { max-packets: 8 }\n",
}

# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
#
#      web 10.10.0.11      app 10.10.0.21      db 10.10.0.31     gateway 10.10.0.1
#      VLAN 101            VLAN 102            VLAN 103          VLAN 100 (uplink)
#          |                   |                   |                 |
#      ----+-------------------+-------------------+-----------------+---- Open vSwitch
#                                   | trunk, all VLANs
#                              bulkhead-dataplane
#
# One subnet, 10.10.0.0/24 and 2001:db8::/64, split over four portgroups (policies/three-tier.yaml).

three_tier() {
	lab_up
	chmod 711 "$LAB_DIR"
	lab_machine web 101 10.10.0.11/24 2001:db8::11/64
	lab_machine app 102 10.10.0.21/24 2001:db8::21/64
	lab_machine db 103 10.10.0.31/24 2001:db8::31/64
	lab_machine gateway 100 10.10.0.1/24 2001:db8::1/64
}

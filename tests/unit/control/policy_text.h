/* SPDX-License-Identifier: BSD-3-Clause */
/* Policies as text, for tests of the reader and the checks. */
#ifndef TESTS_POLICY_TEXT_H
#define TESTS_POLICY_TEXT_H

#include "model.h"

/* Four segments web, app, db, uplink of network shop; a rule list and a default must follow. */
#define POLICY_HEAD                                                                                          \
	"version: 1\nname: t\nnetworks:\n  shop:\n    segments:\n"                                           \
	"      web: { port: trunk, vlan: 101 }\n      app: { port: trunk, vlan: 102 }\n"                     \
	"      db: { port: trunk, vlan: 103 }\n      uplink: { port: trunk, vlan: 100, uplink: true }\n"
#define POLICY_DEFAULT "default: { action: deny }\n"

/* A file of the test's own, removed at its end. Returns its path (static). */
const char *text_file(const void *text, size_t size);

/* What policy_read() makes of a text; the caller frees model and problems. */
struct policy_model *policy_of_text(const char *text, struct problems *problems);
/* Of a text that must have no errors; prints them if it has. NULL then. */
struct policy_model *good_policy(const char *text);
/* Whether one of the problems has these words. */
bool problems_say(const struct problems *problems, const char *words);

#endif

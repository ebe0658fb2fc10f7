/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: control/appliance.c control/appliance_arguments.c control/region.c control/index.c control/problem.c control/textfile.c control/yaml.c control/value.c control/decode.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <syslog.h>
#include <unistd.h>

#include <cmocka.h>

#include "appliance.h"

static struct appliance *read_text(const char *text, struct problems *problems)
{
	struct appliance *appliance = NULL;
	int fd = memfd_create("bulkhead.yaml", MFD_CLOEXEC);
	char path[64];

	*problems = (struct problems){ 0 };
	assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(appliance_read(path, &appliance, problems), 0);
	close(fd);
	return appliance;
}

/* The arguments of a configuration, one a line. */
static char *arguments_of(const struct appliance *appliance)
{
	char **list, *text = NULL;
	size_t count, size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(appliance_dataplane_arguments(appliance, &list, &count), 0);
	assert_null(list[count]);
	for (size_t i = 0; i < count; i++) {
		fprintf(out, "%s\n", list[i]);
		free(list[i]);
	}
	free(list);
	fclose(out);
	return text;
}

static void defaults(void **state)
{
	struct problems problems;
	struct appliance *appliance =
		read_text("version: 1\nports: { trunk: { device: \"0000:0b:00.0\" } }\n", &problems);
	char *text;

	(void)state;
	problems_print(&problems, stderr);
	assert_int_equal(problems.errors, 0);
	assert_int_equal(appliance->log_level, LOG_INFO);
	assert_string_equal(appliance->policy, "/etc/bulkhead/policy.yaml");
	text = arguments_of(appliance);
	assert_string_equal(text,
			    "--port\ntrunk=0000:0b:00.0;mtu=1500;promiscuous=1\n--workers\n1\n--huge\nauto\n"
			    "--memory\n1024\n--flows\n1000000\n--macs\n65536\n--detecting\n16384\n"
			    "--dpi-memory\n268435456\n--fragments\n4096\n--mbufs\n65536\n--idle-sleep\n200\n-"
			    "-idle-interrupts\n1\n"
			    "--run\n/run/bulkhead\n--state\n/var/lib/bulkhead\n--control-user\nbulkhead\n"
			    "--log-level\n6\n--group\nbulkhead\n--probes\n1\n");
	free(text);
	appliance_free(appliance);
	problems_free(&problems);
}

static void everything(void **state)
{
	struct problems problems;
	struct appliance *appliance =
		read_text("version: 1\nports:\n  trunk: { device: \"net_af_xdp0,iface=bhtrunk\", mtu: 9000, "
			  "promiscuous: false, rx-queues: 2, rss-key: \"6D5A\" }\n"
			  "  lan: { device: \"net_tap0\" }\nworkers: 2\ncpus: [1, 3]\nmemory: { huge-pages: "
			  "never, size: 2 GiB }\n"
			  "sizes: { flows: 2048, macs: 128, detecting: 64, dpi-memory: 64 MiB, fragments: "
			  "32, mbufs: 4096 }\n"
			  "idle: { sleep: 0, interrupts: false }\npaths: { run: /tmp/r, state: /tmp/s "
			  "}\npolicy: p.yaml\nuser: "
			  "nobody\nlog: { level: debug }\n"
			  "group: { name: east, key-file: /tmp/g.key, probes: false }\n",
			  &problems);
	char *text;

	(void)state;
	problems_print(&problems, stderr);
	assert_int_equal(problems.errors, 0);
	assert_string_equal(strrchr(appliance->policy, '/'), "/p.yaml");
	assert_int_not_equal(appliance->policy[0], 'p'); /* beside bulkhead.yaml */
	text = arguments_of(appliance);
	assert_string_equal(
		text, "--port\ntrunk=net_af_xdp0,iface=bhtrunk;mtu=9000;queues=2;rss=6d5a;promiscuous=0\n"
		      "--port\nlan=net_tap0;mtu=1500;promiscuous=1\n--workers\n2\n--cpus\n1,3\n"
		      "--huge\nnever\n--memory\n2048\n--flows\n2048\n--macs\n128\n--detecting\n64\n"
		      "--dpi-memory\n67108864\n--fragments\n32\n--mbufs\n4096\n--idle-sleep\n0\n--idle-"
		      "interrupts\n0\n"
		      "--run\n/tmp/r\n--state\n/tmp/s\n--control-user\nnobody\n--log-level\n7\n"
		      "--group\neast\n--group-key\n/tmp/g.key\n--probes\n0\n");
	free(text);
	appliance_free(appliance);
	problems_free(&problems);
}

static void refused(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{ "version: 1\n", "needs the key ports" },
		{ "ports: { a: { device: x } }\n", "needs the key version" },
		{ "version: 1\nports: {}\n", "1 to 16 ports" },
		{ "version: 1\nports: { a: {} }\n", "needs the key device" },
		{ "version: 1\nports: { a: { device: \"x;y\" } }\n", "PCI address" },
		{ "version: 1\nports: { a: { device: \"\" } }\n", "PCI address" },
		{ "version: 1\nports: { a: { device: x }, b: { device: x } }\n", "device of port a already" },
		{ "version: 1\nports: { \"a=b\": { device: x } }\n", "name" },
		{ "version: 1\nports: { a: { device: x, rss-key: \"6d5\" } }\n", "four hexadecimal digits" },
		{ "version: 1\nports: { a: { device: x, rss-key: \"6d5b\" } }\n", "odd number of ones" },
		{ "version: 1\nports: { a: { device: x, rss-key: \"0x6d5a\" } }\n",
		  "four hexadecimal digits" },
		{ "version: 1\nports: { a: { device: x, rss-key: \"6d5a\" }, b: { device: y, rss-key: "
		  "\"0001\" } }\n",
		  "one key" },
		{ "version: 1\nports: { a: { device: x } }\nworkers: 17\n", "1 to 16" },
		{ "version: 1\nports: { a: { device: x } }\ngroup: { key-file: [] }\n",
		  "32 hexadecimal digits" },
		{ "version: 1\nports: { a: { device: x } }\ngroup: { keys: x }\n", "key-file" },
		{ "version: 1\nports: { a: { device: x } }\nworkers: 2\ncpus: [1]\n", "2 workers need 2" },
		{ "version: 1\nports: { a: { device: x } }\nworkers: 2\ncpus: [1, 1]\n", "twice" },
		{ "version: 1\nports: { a: { device: x } }\nsizes: { flow: 5 }\n", "did you mean flows?" },
		{ "version: 1\nports: { a: { device: x } }\npaths: { run: relative }\n", "absolute" },
		/* what the dataplane would refuse (bulkhead/sizes.h) is refused here */
		{ "version: 1\nports: { a: { device: x, mtu: 9191 } }\n", "576 to 9190" },
		{ "version: 1\nports: { a: { device: x } }\nsizes: { flows: 67108865 }\n", "to 67108864" },
		{ "version: 1\nports: { a: { device: x } }\nsizes: { macs: 1048577 }\n", "to 1048576" },
		{ "version: 1\nports: { a: { device: x } }\nsizes: { detecting: 4194305 }\n", "to 4194304" },
		{ "version: 1\nports: { a: { device: x } }\nsizes: { fragments: 65537 }\n", "to 65536" },
		{ "version: 1\nports: { a: { device: x } }\nsizes: { mbufs: 2047 }\n", "2048 to" },
		{ "version: 1\nports: { a: { device: x } }\nsizes: { dpi-memory: 65 GiB }\n", "64 GiB" },
		{ "version: 1\nports: { a: { device: x } }\nidle: { sleep: 1s }\n", "10ms" },
		{ "version: 1\nports: { a: { device: x } }\nlog: { level: loud }\n", "debug" },
		{ "version: 1\nports: { a: { device: x } }\nmemory: { size: 1 }\n", "64 MiB" },
		{ "[1]\n", "as a map" }
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct problems problems;
		struct appliance *appliance = read_text(cases[i].text, &problems);
		bool said = false;

		assert_true(problems.errors > 0);
		for (size_t j = 0; j < problems.count; j++)
			said |= strstr(problems.list[j].message, cases[i].words) != NULL;
		if (!said) {
			problems_print(&problems, stderr);
			fail_msg("%s: not said: %s", cases[i].text, cases[i].words);
		}
		appliance_free(appliance);
		problems_free(&problems);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(everything),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

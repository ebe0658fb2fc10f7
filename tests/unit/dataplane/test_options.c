/* SPDX-License-Identifier: BSD-3-Clause */
/* needs: dataplane/options.c dataplane/fault.c */
/* The command line: what is read, what the defaults are, and that mistakes end with status 2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "options.h"

#define MOST 64

/* Words are copied: reading writes into them. */
static struct options read_line(const char *line)
{
	static char text[1024];
	static struct options options;
	char *argv[MOST] = { (char *)(uintptr_t) "bulkhead-dataplane" };
	int argc = 1;

	snprintf(text, sizeof(text), "%s", line);
	for (char *word = strtok(text, " "); word && argc < MOST - 1; word = strtok(NULL, " "))
		argv[argc++] = word;
	options_read(&options, argc, argv);
	return options;
}

static int status_of(const char *line)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, STDERR_FILENO);
		read_line(line);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_defaults(void **state)
{
	struct options o = read_line("--port trunk=net_null0");
	(void)state;

	assert_int_equal(o.port_count, 1);
	assert_string_equal(o.ports[0].name, "trunk");
	assert_string_equal(o.ports[0].device, "net_null0");
	assert_int_equal(o.ports[0].mtu, 1500);
	assert_int_equal(o.ports[0].queues, 0);
	assert_int_equal(o.ports[0].rss, 0);
	assert_int_equal(o.rss, 0);
	assert_true(o.ports[0].promiscuous);
	assert_int_equal(o.workers, 1);
	assert_int_equal(o.flows, 1000000);
	assert_int_equal(o.macs, 65536);
	assert_int_equal(o.detecting, 16384);
	assert_int_equal(o.dpi_memory, 256 << 20);
	assert_int_equal(o.huge, OPTION_HUGE_AUTO);
	assert_int_equal(o.idle_sleep_us, 200);
	assert_true(o.idle_interrupts);
	assert_int_equal(o.log_level, LOG_INFO);
	assert_int_equal(o.events_fd, -1);
	assert_null(o.control_user);
	assert_null(o.replay);
}

static void test_all(void **state)
{
	struct options o = read_line(
		"--port a=net_af_packet0,iface=x,qpairs=2;mtu=9000;queues=2;rss=6d5a;promiscuous=0 --port "
		"b=0000:0b:00.0 "
		"--workers 2 --cpus 1,3 --huge never --memory 512 --flows 5000 --macs 100 --detecting 64 "
		"--dpi-memory 33554432 --fragments 128 --mbufs 4096 --idle-sleep 0 --idle-interrupts 0 --run "
		"/r --state /s "
		"--control-user u --log-level 7");
	(void)state;

	assert_int_equal(o.port_count, 2);
	assert_string_equal(o.ports[0].device, "net_af_packet0,iface=x,qpairs=2");
	assert_int_equal(o.ports[0].mtu, 9000);
	assert_int_equal(o.ports[0].queues, 2);
	assert_int_equal(o.ports[0].rss, 0x6d5a);
	assert_int_equal(o.ports[1].rss, 0);
	assert_int_equal(o.rss, 0x6d5a);
	assert_false(o.ports[0].promiscuous);
	assert_string_equal(o.ports[1].device, "0000:0b:00.0");
	assert_int_equal(o.cpu_count, 2);
	assert_int_equal(o.cpus[1], 3);
	assert_int_equal(o.huge, OPTION_HUGE_NEVER);
	assert_int_equal(o.memory_mib, 512);
	assert_int_equal(o.idle_sleep_us, 0);
	assert_false(o.idle_interrupts);
	assert_string_equal(o.run, "/r");
	assert_string_equal(o.state, "/s");
	assert_string_equal(o.control_user, "u");
	assert_int_equal(o.log_level, 7);
}

static void test_replay(void **state)
{
	struct options o =
		read_line("--replay in.pcap --image p.img --events-fd 7 --out o.pcap --counters c "
			  "--assign 10.0.0.0/8=web --assign ::/0=up --ingress trunk --mtu 1500 --workers 3");
	(void)state;

	assert_string_equal(o.replay, "in.pcap");
	assert_string_equal(o.image, "p.img");
	assert_int_equal(o.events_fd, 7);
	assert_int_equal(o.assignment_count, 2);
	assert_string_equal(o.assignments[1], "::/0=up");
	assert_string_equal(o.ingress, "trunk");
	assert_int_equal(o.mtu, 1500);
	assert_int_equal(o.workers, 3);
	assert_int_equal(o.log_level, LOG_NOTICE);
}

static void test_mistakes(void **state)
{
	static const char *const lines[] = {
		"",
		"--port trunk",
		"--port =net_null0",
		"--port a=",
		"--port a=x --port a=y",
		"--port a=x;mtu=70000",
		"--port a=x;color=red",
		"--port a=x;rss=6d5",
		"--port a=x;rss=6d5b",
		"--port a=x;rss=0x6d5a",
		"--port a=x;rss=6d5a --port b=y;rss=0001",
		"--port a=x;promiscuous=2",
		"--port a=x --workers 0",
		"--port a=x --workers 17",
		"--port a=x --workers -1",
		"--port a=x --workers 1x",
		"--port a=x --flows 99999999999999999999",
		"--port a=x --huge perhaps",
		"--port a=x --cpus 1,,x",
		"--port a=x --unknown",
		"--port a=x --image i",
		"--port a=x --replay in --image i",
		"--replay in",
		"--out o --port a=x",
	};
	(void)state;

	for (unsigned int i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (status_of(lines[i]) != 2)
			fail_msg("accepted: %s", lines[i]);
	assert_int_equal(status_of("--port a=x"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_replay),
		cmocka_unit_test(test_mistakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

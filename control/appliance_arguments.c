/* SPDX-License-Identifier: BSD-3-Clause */
/* The dataplane's arguments, made of bulkhead.yaml. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "appliance.h"
#include "bulkhead/counters.h"

struct arguments {
	char **list;
	size_t count;
	bool failed; /* -ENOMEM; told once, at the end */
};

static void argument_add(struct arguments *arguments, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void argument_add(struct arguments *arguments, const char *format, ...)
{
	char **larger = realloc(arguments->list, (arguments->count + 2) * sizeof(*larger));
	va_list values;
	int length;

	if (!larger) {
		arguments->failed = true;
		return;
	}
	arguments->list = larger;
	va_start(values, format);
	length = vasprintf(&larger[arguments->count], format, values);
	va_end(values);
	if (length < 0)
		arguments->failed = true;
	else
		arguments->count++;
	larger[arguments->count] = NULL;
}

static void arguments_port(struct arguments *arguments, const struct appliance_port *port)
{
	char queues[32] = "", rss[16] = "";

	if (port->rx_queues)
		snprintf(queues, sizeof(queues), ";queues=%u", port->rx_queues);
	if (port->rss_key)
		snprintf(rss, sizeof(rss), ";rss=%04x", port->rss_key);
	argument_add(arguments, "--port");
	argument_add(arguments, "%s=%s;mtu=%u%s%s;promiscuous=%d", port->name, port->device, port->mtu,
		     queues, rss, port->promiscuous);
}

static void arguments_number(struct arguments *arguments, const char *name, uint64_t value)
{
	argument_add(arguments, "%s", name);
	argument_add(arguments, "%llu", (unsigned long long)value);
}

static void arguments_text(struct arguments *arguments, const char *name, const char *value)
{
	argument_add(arguments, "%s", name);
	argument_add(arguments, "%s", value);
}

static void arguments_cpus(struct arguments *arguments, const struct appliance *appliance)
{
	char list[BH_MAX_WORKERS * 8] = "";
	size_t length = 0;

	if (!appliance->cpu_count)
		return;
	for (uint32_t i = 0; i < appliance->cpu_count && i < BH_MAX_WORKERS; i++)
		length += (size_t)snprintf(list + length, sizeof(list) - length, "%s%u", i ? "," : "",
					   appliance->cpus[i]);
	arguments_text(arguments, "--cpus", list);
}

int appliance_dataplane_arguments(const struct appliance *appliance, char ***list, size_t *count)
{
	static const char *const huge[] = {
		[HUGE_AUTO] = "auto", [HUGE_REQUIRE] = "require", [HUGE_NEVER] = "never"
	};
	struct arguments arguments = { 0 };

	for (uint32_t i = 0; i < appliance->port_count; i++)
		arguments_port(&arguments, &appliance->ports[i]);
	arguments_number(&arguments, "--workers", appliance->workers);
	arguments_cpus(&arguments, appliance);
	arguments_text(&arguments, "--huge", huge[appliance->huge_pages]);
	arguments_number(&arguments, "--memory", appliance->memory >> 20);
	arguments_number(&arguments, "--flows", appliance->flows);
	arguments_number(&arguments, "--macs", appliance->macs);
	arguments_number(&arguments, "--detecting", appliance->detecting);
	arguments_number(&arguments, "--dpi-memory", appliance->dpi_memory);
	arguments_number(&arguments, "--fragments", appliance->fragments);
	arguments_number(&arguments, "--mbufs", appliance->mbufs);
	arguments_number(&arguments, "--idle-sleep", appliance->idle_sleep_us);
	arguments_number(&arguments, "--idle-interrupts", appliance->idle_interrupts);
	arguments_text(&arguments, "--run", appliance->run);
	arguments_text(&arguments, "--state", appliance->state);
	arguments_text(&arguments, "--control-user", appliance->user);
	arguments_number(&arguments, "--log-level", (uint64_t)appliance->log_level);
	arguments_text(&arguments, "--group", appliance->group);
	if (appliance->group_key)
		arguments_text(&arguments, "--group-key", appliance->group_key);
	arguments_number(&arguments, "--probes", appliance->probes);
	if (arguments.failed) {
		for (size_t i = 0; i < arguments.count; i++)
			free(arguments.list[i]);
		free(arguments.list);
		return -ENOMEM;
	}
	*list = arguments.list;
	*count = arguments.count;
	return 0;
}

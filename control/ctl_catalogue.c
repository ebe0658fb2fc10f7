/* SPDX-License-Identifier: BSD-3-Clause */
/* applications --all: the names that the library of applications knows. */
#include "ctl.h"

#include <stdio.h>

#include "ctl_show.h"
#include "dpi.h"

static const char *category_of(uint32_t protocol)
{
	const char *name = dpi_category_name(dpi_protocol_category(protocol));

	return name ? name : "";
}

static int catalogue_json(void)
{
	json_t *apps = json_array(), *categories = json_array(), *risks = json_array();

	for (uint32_t id = 0; id < dpi_builtin_count(); id++) {
		if (dpi_protocol_name(id))
			json_array_append_new(apps,
					      json_pack("{s:i, s:s, s:s}", "id", (int)id, "name",
							dpi_protocol_name(id), "category", category_of(id)));
	}
	for (uint32_t id = 0; id < dpi_category_count(); id++) {
		if (dpi_category_name(id))
			json_array_append_new(categories, json_pack("{s:i, s:s}", "id", (int)id, "name",
								    dpi_category_name(id)));
	}
	for (uint32_t bit = 0; bit < dpi_risk_count(); bit++) {
		if (dpi_risk_name(bit))
			json_array_append_new(risks,
					      json_pack("{s:i, s:s, s:s}", "bit", (int)bit, "name",
							dpi_risk_name(bit), "text", dpi_risk_text(bit)));
	}
	json_t *all = json_pack("{s:s, s:o, s:o, s:o}", "library", dpi_version(), "applications", apps,
				"categories", categories, "risks", risks);
	int status = ctl_print_json(all);
	json_decref(all);
	return status;
}

int show_catalogue(bool json)
{
	if (dpi_catalogue_init()) {
		fprintf(stderr, "bulkheadctl: out of memory\n");
		return CTL_FAILED;
	}
	if (json)
		return catalogue_json();
	struct table *apps = show_begin(">ID|APPLICATION|CATEGORY");
	struct table *categories = show_begin("CATEGORY (category:NAME)");
	struct table *risks = show_begin("RISK|MEANING");
	int status = CTL_FAILED;
	if (!apps || !categories || !risks) {
		table_free(apps);
		table_free(categories);
		table_free(risks);
		return status;
	}
	for (uint32_t id = 0; id < dpi_builtin_count(); id++) {
		if (!dpi_protocol_name(id))
			continue;
		table_cell(apps, "%u", id);
		table_cell(apps, "%s", dpi_protocol_name(id));
		table_cell(apps, "%s", category_of(id));
	}
	for (uint32_t id = 0; id < dpi_category_count(); id++) {
		if (dpi_category_name(id))
			table_cell(categories, "%s", dpi_category_name(id));
	}
	for (uint32_t bit = 0; bit < dpi_risk_count(); bit++) {
		if (!dpi_risk_name(bit))
			continue;
		table_cell(risks, "%s", dpi_risk_name(bit));
		table_cell(risks, "%s", dpi_risk_text(bit));
	}
	printf("nDPI %s\n\n", dpi_version());
	status = show_end(apps);
	putchar('\n');
	status |= show_end(categories);
	putchar('\n');
	return status | show_end(risks);
}

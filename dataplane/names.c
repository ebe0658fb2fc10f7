/* SPDX-License-Identifier: BSD-3-Clause */
/* The texts of the X-lists in include/bulkhead; both programs link this object. */
#include "bulkhead/counters.h"
#include "bulkhead/drops.h"
#include "bulkhead/events.h"

#define NAME(symbol, name, ...) name,
#define HELP_OF_THREE(symbol, name, help) help,
#define HELP_OF_FOUR(symbol, name, gauge, help) help,
#define GAUGE(symbol, name, gauge, help) gauge,

const char *const bh_drop_names[BH_DROP_COUNT] = { BH_DROPS(NAME) };
const char *const bh_drop_help[BH_DROP_COUNT] = { BH_DROPS(HELP_OF_THREE) };
const char *const bh_tcp_state_names[BH_TCP_STATE_COUNT] = { BH_TCP_STATES(NAME) };
const char *const bh_flow_end_names[BH_FLOW_END_COUNT] = { BH_FLOW_ENDS(NAME) };
const char *const bh_confidence_names[BH_CONFIDENCE_COUNT] = { BH_CONFIDENCES(NAME) };
const char *const bh_notice_names[BH_NOTICE_COUNT] = { BH_NOTICES(NAME) };
const char *const bh_stage_names[BH_STAGE_COUNT] = { BH_STAGES(NAME) };
const char *const bh_stage_help[BH_STAGE_COUNT] = { BH_STAGES(HELP_OF_THREE) };
const char *const bh_resource_names[BH_RESOURCE_COUNT] = { BH_RESOURCES(NAME) };
const char *const bh_worker_counter_names[BH_WORKER_COUNT] = { BH_WORKER_COUNTERS(NAME) };
const char *const bh_worker_counter_help[BH_WORKER_COUNT] = { BH_WORKER_COUNTERS(HELP_OF_FOUR) };
const uint8_t bh_worker_counter_gauge[BH_WORKER_COUNT] = { BH_WORKER_COUNTERS(GAUGE) };

# SPDX-License-Identifier: BSD-3-Clause
"""Samples to medians, ratios and bars; the table and build/bench.json."""

import json
import os
import platform
import time

from measure import summary

TSC_HZ = 0


def of_samples(samples):
    """What bench.json says of one program in one case."""
    cycles = [sample.cycles_per_frame(TSC_HZ) for sample in samples]
    mpps = [sample.mpps() for sample in samples]
    return {"mpps": round(summary(mpps)["median"], 4),
            "cycles_per_frame": round(summary(cycles)["median"], 1),
            "mpps_wall": round(summary([sample.frames / sample.seconds / 1e6 for sample in samples])["median"], 4),
            "spread": {"mpps": [round(min(mpps), 4), round(max(mpps), 4)],
                       "cycles_per_frame": [round(min(cycles), 1), round(max(cycles), 1)]},
            "frames": sum(sample.frames for sample in samples)}


def ratio_of(bar, programs, others):
    """The bar's ratio, or None when a side was not measured in this run."""
    case, _, name = bar.to.rpartition(":")
    side = others.get(case, {}).get(name) if case else programs.get(name)
    if bar.of not in programs or not side:
        return None
    return programs[bar.of][bar.what] / side[bar.what]


def case_result(case, samples, rounds):
    result = {"name": case.name, "about": case.about, "source": case.source, "rounds": rounds, "ratios": []}
    result.update({name: of_samples(list_) for name, list_ in samples.items()})
    result["bars"] = case.bars
    return result


def add_ratios(results):
    by_name = {result["name"]: result for result in results}
    for result in results:
        for bar in result.pop("bars"):
            ratio = ratio_of(bar, result, by_name)
            if ratio is None:
                continue
            held = (bar.least is None or ratio >= bar.least) and (bar.most is None or ratio <= bar.most)
            result["ratios"].append({"what": bar.what, "of": bar.of, "to": bar.to, "ratio": round(ratio, 3),
                                     "at_least": bar.least, "at_most": bar.most, "holds": held})


def write(results, path):
    add_ratios(results)
    document = {"when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "machine": platform.platform(),
                "cpus": os.cpu_count(), "tsc_hz": TSC_HZ, "cases": results}
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1)
    os.rename(path + ".new", path)


def print_table(results):
    line = "{:22} {:14} {:>9} {:>9} {:>17}  {}"
    print(line.format("CASE", "PROGRAM", "MPPS", "CYCLES", "LEAST..GREATEST", "SOURCE"))
    for result in results:
        for name, values in result.items():
            if not isinstance(values, dict) or "mpps" not in values:
                continue
            spread = values["spread"]["cycles_per_frame"]
            print(line.format(result["name"], name, f"{values['mpps']:.3f}", f"{values['cycles_per_frame']:.0f}",
                              f"{spread[0]:.0f}..{spread[1]:.0f}", result["source"]))
    print()
    for result in results:
        for ratio in result["ratios"]:
            bound = f">= {ratio['at_least']:g}" if ratio["at_least"] is not None else f"<= {ratio['at_most']:g}"
            print(f"{result['name']:22} {ratio['what']} of {ratio['of']} to {ratio['to']}: {ratio['ratio']:.2f} "
                  f"({bound}: {'holds' if ratio['holds'] else 'MISSED'})")
